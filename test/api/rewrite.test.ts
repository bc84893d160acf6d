// Changes stored flows by options and hooks, into another file or in place.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { defineHook } from "../../api/hooks.ts";
import { rewrite } from "../../api/rewrite.ts";
import { openTape } from "../../api/tape.ts";
import { httpFlow, STARTED } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";

const flowsOf = async (path: string) => (await readTape(path)).flows;
const at = (id: string, seconds: number) =>
	httpFlow({ id, request: { path: `/${id}`, timestampStart: STARTED + seconds } });

t.test("options, hooks and a filter", async (t) => {
	const folder = t.testdir();
	const [from, to] = [join(folder, "from.tape"), join(folder, "to.har")];
	await writeTape(from, [at("one", 2), at("two", 1), at("three", 3)]);
	const changed: string[] = [];
	const comment = defineHook({
		name: "comment",
		response(flow, decision) {
			if (flow.id === "three") decision.drop("comment");
			flow.comment = flow.request.path;
		},
	});
	const report = await rewrite(
		from,
		{
			setStatus: 404,
			modifyHeaders: ["/~s/x-new/yes"],
			sort: true,
			hooks: [comment],
			filter: "!~u nothing",
			onChange: (rule) => changed.push(rule),
		},
		to,
	);
	t.match(report, { written: 2, dropped: 1, damaged: 0 });
	const flows = await flowsOf(to);
	t.match(flows, [
		{ comment: "/two", response: { statusCode: 404 } },
		{ comment: "/one", response: { statusCode: 404 } },
	]);
	t.equal(flows[0]?.type === "http" && flows[0].response?.headers.get("x-new"), "yes");
	t.ok(changed.includes("set-status"));
});

t.test("duplicates are left out, and rules that do not apply change nothing", async (t) => {
	const to = join(t.testdir(), "to.tape");
	t.match(await rewrite([at("one", 1), at("one", 1)], { dedupe: true }, to), { written: 1, dropped: 1 });
});

t.test("in place, in the format of the file", async (t) => {
	const folder = t.testdir();
	const path = join(folder, "session.tape");
	await writeTape(path, [at("one", 1)], { format: "jsonl" });
	t.match(await rewrite(path, { setComment: "seen" }, "in-place"), { written: 1 });
	await using tape = await openTape(path);
	t.equal(tape.format, "jsonl");
	t.match(await tape.get("one"), { comment: "seen" });
	await rewrite(tape, { setComment: "again" }, "in-place");
	t.match(await tape.get("one"), { comment: "again" });
	await t.rejects(rewrite([path, path], {}, "in-place"), { code: "FT_USAGE" });
	await t.rejects(rewrite([at("one", 1)], {}, "in-place"), { code: "FT_USAGE" });
});

t.test("in place, a file that cannot be read completely is unchanged", async (t) => {
	const path = join(t.testdir(), "session.jsonl");
	await writeTape(path, [at("one", 1)]);
	const text = `${readFileSync(path, "utf8")}{"id":\n`;
	writeFileSync(path, text);
	await t.rejects(rewrite(path, { setComment: "x" }, "in-place"), { code: "FT_CORRUPT_FLOW", message: /line 2/ });
	await t.rejects(rewrite(path, { setComment: "x" }, "in-place", { strict: false }), {
		code: "FT_CORRUPT_FLOW",
		message: /left unchanged/,
	});
	t.equal(readFileSync(path, "utf8"), text);
	t.match(await rewrite(path, { setComment: "x" }, "in-place", { strict: false, dropUnread: true }), {
		written: 1,
		damaged: 1,
	});
	t.match(await flowsOf(path), [{ comment: "x" }]);
});

t.test("unknown options and invalid values", async (t) => {
	const folder = t.testdir();
	const to = join(folder, "to.tape");
	const changed = (changes: object) => rewrite([at("one", 1)], changes, to);
	await t.rejects(changed({ setStaus: 1 }), {
		code: "FT_BAD_OPTION",
		message: 'rewrite: "setStaus" is not an option. Did you mean "setStatus"?',
	});
	await t.rejects(changed({ hook: [] }), { message: /Did you mean "hooks"\?/ });
	await t.rejects(changed({ setStatus: 10 }), { code: "FT_BAD_OPTION", message: /rewrite: setStatus/ });
	await t.rejects(changed({ mapRemote: ["x"] }), { code: "FT_BAD_OPTION", option: "map_remote" });
	await t.rejects(changed({ filter: "~nonsense" }), { code: "FT_BAD_FILTER" });
});

t.test("reports", async (t) => {
	const to = join(t.testdir(), "to.mitm");
	const reported: string[] = [];
	const broken = httpFlow({ response: { headers: [["Content-Encoding", "gzip"]], body: "no gzip" } });
	await rewrite([broken], { decode: true, onWarning: (message) => reported.push(message) }, to);
	t.match(reported, [/left as it is/]);
	const losses: string[] = [];
	await rewrite([httpFlow()], { refresh: "now" }, to, { onTrouble: (code) => losses.push(code) });
	t.same(losses, ["FT_LOSS"]);
});
