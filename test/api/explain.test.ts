// Explains which recording answers a request.
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type ExplainOptions, explain } from "../../api/explain.ts";
import { openTape } from "../../api/tape.ts";
import { httpFlow, httpRequest } from "../../fixtures/build-flow.ts";
import { writeTape } from "../../fixtures/tape-files.ts";

const items = (id: string, query: string) =>
	httpFlow({ id, request: { path: `/items?${query}` }, response: { body: id } });
const flows = () => [
	items("one-flow", "page=1&t=1"),
	items("two-flow", "page=2&t=1"),
	items("other-two", "page=2&t=1"),
];
const url = (query: string) => `http://example.com/items?${query}`;

t.test("the recording that answers, and all that are equal", async (t) => {
	const folder = t.testdir();
	for (const name of ["a.tape", "a.har"]) await writeTape(join(folder, name), flows());
	await using tape = await openTape(join(folder, "a.tape"));
	for (const tapes of [join(folder, "a.tape"), join(folder, "a.har"), tape, flows()]) {
		const found = await explain(tapes, url("page=2&t=1"));
		t.match(found, { recording: "two-flow", nearest: [], request: { method: "GET", url: url("page=2&t=1") } });
		t.same(
			found.equal.map(({ id, response }) => [id, response?.text]),
			[
				["two-flow", "two-flow"],
				["other-two", "other-two"],
			],
			"with their bodies",
		);
		t.match(
			found.text,
			/^GET http:\/\/example\.com\/items\S* is answered by flow two-flow\n2 recordings are equal.*\n→ two-flow/,
		);
	}
});

t.test("why none answers, and the options that would change it", async (t) => {
	const found = await explain(flows(), url("page=1&t=2"));
	t.equal(found.recording, null);
	t.match(found.nearest[0], {
		id: "one-flow",
		options: [{ name: "server_replay_ignore_params", value: "t" }],
		differences: [{ name: "t", recorded: "1", sent: "2" }],
	});
	t.match(found.text, /^No recording answers GET [\s\S]*--ignore-params t\n[\s\S]*\ncompared: method, /);
	const options: ExplainOptions = { ignoreParams: ["t"] };
	t.match(await explain(flows(), url("page=1&t=2"), options), { recording: "one-flow", compared: /without t/ });
	t.match(await explain(flows(), url("page=1&t=1"), { match: () => false }), {
		recording: null,
		equal: [{ id: "one-flow" }],
	});
	t.match(await explain(flows(), url("page=1&t=1"), { filter: "~u page=2" }), { recording: null });
	t.match(await explain([], url("")), { recording: null, nearest: [], equal: [] });
});

t.test("a request as a description, and as that of a flow before rules changed it", async (t) => {
	const posted = httpFlow({ id: "post", request: { method: "POST", path: "/a", body: "x=1" } });
	t.match(await explain([posted], { method: "POST", url: "http://example.com/a", body: "x=1" }), { recording: "post" });
	t.match(await explain([posted], { method: "POST", url: "http://example.com/a", body: "x=2" }), { recording: null });
	t.match(await explain([posted], posted), { recording: "post" });
	t.match(await explain([posted], httpFlow({ request: { path: "/changed" }, original: posted.request })), {
		recording: "post",
	});
	t.match(await explain([posted], httpRequest({ path: "/a" })), { recording: null });
});

t.test(
	"invalid arguments are rejected, and nothing stays open",
	{ skip: process.platform === "linux" ? false : "/proc is needed" },
	async (t) => {
		const folder = t.testdir();
		const path = join(folder, "a.tape");
		await writeTape(path, flows());
		await t.rejects(explain(path, "/items"), { code: "FT_USAGE", message: /absolute URL/ });
		await t.rejects(explain([path, join(folder, "none")], url("")), { code: "FT_NOT_FOUND" });
		await t.rejects(explain(path, url(""), { order: "sideways" } as unknown as ExplainOptions), {
			code: "FT_BAD_OPTION",
			message: /order/,
		});
		await t.rejects(explain(path, url(""), { filter: "~nonsense" }), { code: "FT_BAD_FILTER" });
		await explain(path, url("page=1&t=1"));
		const open = readdirSync("/proc/self/fd").flatMap((name) => {
			try {
				return [readlinkSync(join("/proc/self/fd", name))];
			} catch {
				return [];
			}
		});
		t.same(
			open.filter((name) => name.startsWith(folder)),
			[],
		);
	},
);
