// The ordered list of features: the hooks that options create, their order, and the options in errors.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { runLive } from "../../../fixtures/run-hooks.ts";
import { FlowSource } from "../../../src/flow/source.ts";
import { createHooks, createRecordingFilter, hookOptions } from "../../../src/hooks/builtin.ts";
import { defaults } from "../../../src/options.ts";

const values = defaults(hookOptions);
const nothing = FlowSource.of(async function* () {});

const everything = {
	...values,
	anticache: true,
	anticomp: true,
	stickyauth: "~all",
	stickycookie: "~all",
	modify_headers: ["/X/v"],
	modify_body: ["/foo/bar"],
	block_list: ["/blocked/403"],
	map_remote: ["|from|to"],
	map_local: [`|local|${t.testdir({ "index.html": "" })}`],
};

t.test("nothing by default", async (t) => {
	t.same(await createHooks({ ...values, browser_noise: "record" }), []);
	t.match(await createHooks(values), [{ name: "browser-noise" }]);
});

t.test("the order in which hooks see a request does not depend on the order of the options", async (t) => {
	const scripts = [{ name: "script one" }, { name: "script two" }];
	t.same(
		(await createHooks(everything, { recordings: [nothing], scripts })).map(({ name }) => name),
		[
			"browser-noise",
			"modify-headers",
			"block-list",
			"anticache",
			"anticomp",
			"script one",
			"script two",
			"server-replay",
			"map-remote",
			"map-local",
			"modify-body",
			"sticky-auth",
			"sticky-cookie",
		],
	);
});

t.test("headers are modified before the block list, and URLs are mapped before files", async (t) => {
	const hooks = await createHooks({
		...everything,
		modify_headers: ["/~q/X-Block/yes"],
		block_list: ["/~hq x-block/403"],
	});
	t.match(await runLive(hooks, httpFlow()), { kind: "answer", by: "block-list" });
	const mapped = await createHooks({ ...everything, block_list: [], map_remote: ["|from|local"] });
	t.match(await runLive(mapped, httpFlow({ request: { host: "from.example" } })), { kind: "answer", by: "map-local" });
});

t.test("an error about a value names its option", async (t) => {
	for (const [option, wrong, code] of [
		["modify_headers", ["/a"], "FT_BAD_OPTION"],
		["modify_body", ["/[/x"], "FT_BAD_PATTERN"],
		["block_list", ["/~zz/404"], "FT_BAD_FILTER"],
		["map_remote", ["|[|x"], "FT_BAD_PATTERN"],
		["map_local", ["|a|/no/such/folder"], "FT_BAD_OPTION"],
		["stickyauth", "~zz", "FT_BAD_FILTER"],
		["stickycookie", "~zz", "FT_BAD_FILTER"],
	] as const)
		await t.rejects(createHooks({ ...values, [option]: wrong }), { code, option }, option);
	await t.rejects(createHooks({ ...values, stickyauth: "~zz" }), { column: 1, code: "FT_BAD_FILTER" });
});

t.test("an error about a tape is unchanged", async (t) => {
	const { FlowtapeError } = await import("../../../src/errors.ts");
	// biome-ignore lint/correctness/useYield: it fails before
	const damaged = FlowSource.of(async function* () {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "x.tape: damaged");
	});
	await t.rejects(createHooks(values, { recordings: [damaged] }), {
		code: "FT_CORRUPT_FLOW",
		option: undefined,
		message: "x.tape: damaged",
	});
});

t.test("filters of features are case-sensitive with the option", async (t) => {
	const flow = () => httpFlow({ request: { host: "blocked.example" } });
	for (const [case_sensitive_filters, verdict] of [
		[false, { kind: "answer" }],
		[true, null],
	] as const)
		t.match(
			await runLive(await createHooks({ ...values, case_sensitive_filters, block_list: ["/BLOCKED/403"] }), flow()),
			verdict,
		);
});

t.test("the filter of recorded flows", async (t) => {
	const filter = (save_stream_filter: string | null, case_sensitive_filters = false) =>
		createRecordingFilter({ save_stream_filter, case_sensitive_filters });
	t.equal(await filter(null), null);
	t.equal((await filter("~u EXAMPLE"))?.matches(httpFlow()), true);
	t.equal((await filter("~u EXAMPLE", true))?.matches(httpFlow()), false);
	await t.rejects(filter("~zz"), { code: "FT_BAD_FILTER", option: "save_stream_filter" });
});
