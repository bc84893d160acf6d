// Selects flows by the beginning of their ids.
import t from "tap";
import { readByIds, selectByIds } from "../../../commands/tapes/by-id.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { FlowSource } from "../../../src/flow/pipe.ts";

t.test("flows by prefixes of their ids", async (t) => {
	const { step, check } = selectByIds("a.tape", ["ab", "x"]);
	t.ok(step(httpFlow({ id: "abcd" })));
	t.notOk(step(httpFlow({ id: "bcda" })));
	t.throws(check, { code: "FT_NO_FLOW", message: /a\.tape: no flow whose id begins with x/ });
	t.ok(step(httpFlow({ id: "x" })));
	check();
	t.ok(selectByIds("a.tape", []).step(httpFlow()), "all, if no id is given");
	t.throws(() => selectByIds("a.tape", ["ab", ""]), { code: "FT_USAGE", message: /empty/ });
});

t.test("selected flows of several sources, which are closed at the end or if an id is unknown", async (t) => {
	let closed = 0;
	class Source extends FlowSource {
		readonly #ids: readonly string[];

		constructor(...ids: string[]) {
			super();
			this.#ids = ids;
		}

		async *read() {
			for (const id of this.#ids) yield [httpFlow({ id })];
		}

		override async close() {
			closed++;
		}
	}
	const sources = [new Source("abcd", "bcda"), new Source("x1")];
	const selected = await readByIds(sources, selectByIds("a.tape, b.tape", ["ab", "x"]));
	const ids: string[] = [];
	for await (const batch of selected) ids.push(...batch.map(({ id }) => id));
	t.same(ids, ["abcd", "x1"]);
	t.equal(closed, 0);
	await selected.close();
	t.equal(closed, 2);
	await t.rejects(readByIds(sources, selectByIds("a.tape, b.tape", ["q"])), {
		code: "FT_NO_FLOW",
		message: "a.tape, b.tape: no flow whose id begins with q",
	});
	t.equal(closed, 4);
});

t.test("an id in place of the tape is an error, unless there is such a file", async (t) => {
	process.chdir(t.testdir({ "3f2b": "" }));
	t.throws(() => selectByIds("3f2a", []), {
		code: "FT_USAGE",
		message: 'expected a tape before the id: TAPE 3f2a, found no file "3f2a"',
	});
	t.throws(() => selectByIds("0b3c1d2e-8f65-4f1c", ["aa"]), { message: /TAPE 0b3c1d2e-8f65-4f1c aa,/ });
	t.ok(selectByIds("3f2b", []));
	t.ok(selectByIds("face.tape", []));
});
