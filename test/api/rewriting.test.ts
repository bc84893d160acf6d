// What a rewriting is made of: changes, repetitions left out, order of time, and what an output cannot keep.
import { join } from "node:path";
import t from "tap";
import { prepareRewriting, rewriteOptions } from "../../api/rewriting.ts";
import { httpFlow, STARTED } from "../../fixtures/build-flow.ts";
import { readTape } from "../../fixtures/tape-files.ts";
import { createTape } from "../../formats/index.ts";
import { defaults } from "../../src/options.ts";

const values = defaults(rewriteOptions);
const context = { output: null, scripts: [], onChange() {}, log() {} };

t.test("nothing asked for, nothing done", async (t) => {
	const { changes, dedupes, close } = await prepareRewriting(values, context);
	t.same([changes, dedupes], [[], []]);
	await close();
});

t.test("features, edits and repetitions, each where it is wanted", async (t) => {
	const told: string[] = [];
	const wanted = { ...values, set_comment: "seen", modify_headers: ["/~q/x-a/b"], dedupe: true };
	const { changes, dedupes } = await prepareRewriting(wanted, { ...context, onChange: (rule) => told.push(rule) });
	t.equal(changes.length, 2);
	const flow = httpFlow();
	for (const change of changes) t.equal(await change(flow), flow);
	t.match(flow, { comment: "seen" });
	t.equal(flow.request.headers.get("x-a"), "b");
	t.equal(dedupes[0]?.(httpFlow()) === null, false);
	t.equal(dedupes[0]?.(httpFlow()), null);
	t.ok(told.includes("set-comment") && told.includes("dedupe"));
});

t.test("the order of time, and dates that a dump cannot mark", async (t) => {
	const output = join(t.testdir(), "out.mitm");
	const told: string[] = [];
	const report = (code: string) => void told.push(code);
	const { through } = await prepareRewriting({ ...values, sort: true, refresh: "now" }, { ...context, output });
	const sink = await through(await createTape(output, { report }), report);
	for (const [id, seconds] of [["late", 2] as const, ["early", 1] as const])
		await sink.append(httpFlow({ id, request: { timestampStart: STARTED + seconds } }));
	await sink.close();
	t.match((await readTape(output)).flows, [{ id: "early" }, { id: "late" }]);
	t.same(told, ["FT_LOSS"]);
});
