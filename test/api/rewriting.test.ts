// Prepares the steps of a rewrite: changes, deduplication, sorting, and reports of losses.
import { join } from "node:path";
import t from "tap";
import { prepareRewriting, rewriteOptions } from "../../api/rewriting.ts";
import { httpFlow, STARTED } from "../../fixtures/build-flow.ts";
import { readTape } from "../../fixtures/tape-files.ts";
import { createTape } from "../../formats/index.ts";
import { defaults } from "../../src/options.ts";

const values = defaults(rewriteOptions);
const context = { output: null, env: {}, scripts: [], onChange() {}, log() {} };

t.test("no steps without options", async (t) => {
	const { changes, dedupes, close } = await prepareRewriting(values, context);
	t.same([changes, dedupes], [[], []]);
	await close();
});

t.test("features, edits and deduplication", async (t) => {
	const reported: string[] = [];
	const wanted = { ...values, set_comment: "seen", modify_headers: ["/~q/x-a/b"], dedupe: true };
	const { changes, dedupes } = await prepareRewriting(wanted, { ...context, onChange: (rule) => reported.push(rule) });
	t.equal(changes.length, 2);
	const flow = httpFlow();
	for (const change of changes) t.equal(await change(flow), flow);
	t.match(flow, { comment: "seen" });
	t.equal(flow.request.headers.get("x-a"), "b");
	t.equal(dedupes[0]?.(httpFlow()) === null, false);
	t.equal(dedupes[0]?.(httpFlow()), null);
	t.ok(reported.includes("set-comment") && reported.includes("dedupe"));
});

t.test(
	"requests for other ranges, with other conditions and preflights of other methods are not duplicates",
	async (t) => {
		const { dedupes } = await prepareRewriting({ ...values, dedupe: true }, context);
		const requests: [string, string][] = [
			["Range", "bytes=0-3"],
			["Range", "bytes=4-7"],
			["If-None-Match", '"a"'],
			["If-None-Match", '"b"'],
			["Access-Control-Request-Method", "PUT"],
			["Access-Control-Request-Method", "DELETE"],
		];
		const pass = (header: [string, string]) => dedupes[0]?.(httpFlow({ request: { headers: [header] } }));
		for (const header of requests) t.not(pass(header), null, header.join(": "));
		for (const header of requests) t.equal(pass(header), null, header.join(": "));
	},
);

t.test("sorting, and refreshed dates in a dump", async (t) => {
	const output = join(t.testdir(), "out.mitm");
	const reported: string[] = [];
	const report = (code: string) => void reported.push(code);
	const { through } = await prepareRewriting({ ...values, sort: true, refresh: "now" }, { ...context, output });
	const sink = await through(await createTape(output, { report }), report);
	for (const [id, seconds] of [["late", 2] as const, ["early", 1] as const])
		await sink.append(httpFlow({ id, request: { timestampStart: STARTED + seconds } }));
	await sink.close();
	t.match((await readTape(output)).flows, [{ id: "early" }, { id: "late" }]);
	t.same(reported, ["FT_LOSS"]);
});
