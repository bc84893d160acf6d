// Every function of the library rejects unknown options, and names the nearest one.
import { join } from "node:path";
import t from "tap";
import { checkNames } from "../../api/option-names.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import * as library from "../../index.ts";

t.test("a name that is not known", async (t) => {
	checkNames("convert", { format: "har", signal: undefined, other: undefined }, ["format", "signal"]);
	t.throws(() => checkNames("convert", { formt: "har" }, ["signal", "format"]), {
		code: "FT_BAD_OPTION",
		message: 'convert: "formt" is not an option. Did you mean "format"?',
	});
	t.throws(() => checkNames("convert", { zebra: 1 }, ["format"]), { message: 'convert: "zebra" is not an option.' });
});

t.test("all functions", async (t) => {
	const [from, to] = [join(t.testdir(), "a.jsonl"), join(t.testdirName, "b.jsonl")];
	await library.convert([httpFlow()], from);
	const tape = await library.openTape(from);
	const wrong: object = { signl: null };
	const calls: Record<string, () => unknown> = {
		convert: () => library.convert(from, to, wrong),
		filter: () => library.filter(from, "~all", to, wrong),
		rewrite: () => library.rewrite(from, {}, to, wrong),
		openTape: () => library.openTape(from, wrong),
		createTape: () => library.createTape(to, wrong),
		diff: () => library.diff(from, from, wrong).next(),
		explain: () => library.explain(from, "http://example.com/", wrong),
		record: () => library.record(wrong),
		replayServer: () => library.replayServer({ from, ...wrong }),
		replayClient: () =>
			library
				.replayClient({ from, ...wrong })
				[Symbol.asyncIterator]()
				.next(),
		scan: () => library.scan(from, wrong),
		run: () => library.run(["true"], { tape: from, env: {}, ...wrong }),
		flows: async () => tape.flows(wrong),
		compileFilter: async () => library.compileFilter("~all", wrong),
	};
	for (const [verb, call] of Object.entries(calls))
		await t.rejects(
			Promise.resolve().then(call),
			{
				code: "FT_BAD_OPTION",
				message: new RegExp(`^${verb}: "signl" is not an option\\.`),
			},
			verb,
		);
	await t.rejects(library.rewrite(from, { setStaus: 404 } as object, to), { message: /Did you mean "setStatus"/ });
});
