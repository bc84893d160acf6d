// Rules set and remove header fields of requests and responses.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { hookLog, runLive, runStored } from "../../../fixtures/run-hooks.ts";
import { createModifyHeaders } from "../../../src/hooks/modify-headers.ts";

const create = (...modify_headers: string[]) => createModifyHeaders({ modify_headers }, {});
const flowWith = () =>
	httpFlow({
		request: {
			headers: [
				["Host", "a"],
				["X-One", "1"],
				["x-one", "2"],
			],
		},
		response: { headers: [["Server", "s"]] },
	});

t.test("in live and stored flows", async (t) => {
	for (const [rules, request, response] of [
		[["/~q/X-One/new"], ["Host", "a", "X-One", "new"], ["Server", "s"]],
		[["/~s/server/"], ["Host", "a", "X-One", "1", "x-one", "2"], []],
		[["/x-ONE/"], ["Host", "a"], ["Server", "s"]],
		[["/New/v"], ["Host", "a", "X-One", "1", "x-one", "2", "New", "v"], ["Server", "s", "New", "v"]],
		[
			["/~q/New/1", "/~q/new/2"],
			["Host", "a", "X-One", "1", "x-one", "2", "New", "1", "new", "2"],
			["Server", "s"],
		],
		[
			["/~q/X-One/", "/~q/X-One/v"],
			["Host", "a", "X-One", "v"],
			["Server", "s"],
		],
		[
			["/~q & ~hq x-one/Had/yes", "/~q & !~hq x-one/Had/no", "/~q/X-One/"],
			["Host", "a", "Had", "yes"],
			["Server", "s"],
		],
		[["/~q & !~hq Host:/Host/b"], ["Host", "a", "X-One", "1", "x-one", "2"], ["Server", "s"]],
		[["/~q/X/ a: b/c \\xe9"], ["Host", "a", "X-One", "1", "x-one", "2", "X", "a: b/c \xe9"], ["Server", "s"]],
		[["/~d other/X/v"], ["Host", "a", "X-One", "1", "x-one", "2"], ["Server", "s"]],
	] as const) {
		for (const run of [runLive, runStored]) {
			const flow = flowWith();
			await run(await create(...rules), flow);
			t.same(
				[flow.request.headers.fields, flow.response?.headers.fields],
				[request, response],
				`${run.name} ${rules.join(" ")}`,
			);
		}
	}
});

t.test("a changed Host header does not change the destination", async (t) => {
	const flow = httpFlow();
	await runLive(await create("/~q/Host/other.example"), flow);
	t.match(flow.request, { host: "example.com", hostHeader: "other.example" });
});

t.test("rules report their changes", async (t) => {
	const { changed, onChange } = hookLog();
	await runLive(
		await createModifyHeaders({ modify_headers: ["/~q/x-one/", "/~q/gone/", "/~s/New/v"] }, { onChange }),
		flowWith(),
	);
	t.same(changed, ["/~q/x-one/", "/~s/New/v"]);
});

t.test("values from files are read at each use, trimmed, and refused if they contain line breaks", async (t) => {
	const file = join(t.testdir({ value: "one\n" }), "value");
	const { lines, log } = hookLog();
	const hook = await createModifyHeaders({ modify_headers: [`|~q|X-One|@${file}`] }, { log });
	const value = async () => {
		const flow = flowWith();
		await runLive(hook, flow);
		return flow.request.headers.getAll("x-one");
	};
	t.same(await value(), ["one"]);
	writeFileSync(file, "two");
	t.same(await value(), ["two"]);
	writeFileSync(file, "\r\n");
	t.same(await value(), [], "an empty file removes");
	writeFileSync(file, "a\r\nInjected: b");
	t.same(await value(), ["1", "2"]);
	rmSync(file);
	t.same(await value(), ["1", "2"]);
	t.match(lines, [
		/^warning: the header X-One is left as it is: expected a value without line breaks$/,
		/^warning: the replacement file cannot be read/,
	]);
});

t.test("invalid rules, and no rules", async (t) => {
	t.equal(await create(), null);
	for (const [rule, message] of [
		["/X", /expected 2 or 3 parts/],
		["/~q//v", /expected the name of a header, not ""/],
		["/a b/v", /expected the name of a header, not "a b"/],
		["/a:/v", /the name of a header/],
		["/X/a\\nb", /the value of a header cannot contain line breaks or NUL/],
		["/X/a\\x00", /line breaks or NUL/],
		["/X/\\xz", /two hexadecimal digits/],
		["|X|@/no/such/file", /cannot read the value from this file/],
	] as const)
		await t.rejects(create(rule), { code: "FT_BAD_OPTION", message }, rule);
	await t.rejects(create("/~zz/X/v"), { code: "FT_BAD_FILTER" });
});
