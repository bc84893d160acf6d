// Writes the matching flows of a tape to another file.
import { join } from "node:path";
import t from "tap";
import { filter } from "../../api/filter.ts";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { readTape, writeTape } from "../../fixtures/tape-files.ts";
import { compileFilter } from "../../src/filter/compile.ts";

const answered = (id: string, statusCode: number) => httpFlow({ id, response: { statusCode, headers: [], body: "" } });

t.test("the flows that match are written", async (t) => {
	const folder = t.testdir();
	const flows = [answered("one", 200), answered("two", 500), answered("three", 500)];
	for (const name of ["from.tape", "from.har"]) await writeTape(join(folder, name), flows);
	for (const source of [join(folder, "from.tape"), join(folder, "from.har"), flows]) {
		const to = join(folder, "to.tape");
		t.match(await filter(source, "~c 500", to), { written: 2, dropped: 0 });
		t.match((await readTape(to)).flows, [{ id: "two" }, { id: "three" }]);
		t.match(await filter(source, compileFilter("!~c 500"), to), { written: 1 });
	}
});

t.test("an invalid filter writes nothing", async (t) => {
	const folder = t.testdir();
	await t.rejects(filter([answered("one", 200)], "~c 500 & ~nonsense", join(folder, "to.tape")), {
		code: "FT_BAD_FILTER",
		column: 10,
	});
	await t.rejects(readTape(join(folder, "to.tape")), { code: "FT_NOT_FOUND" });
});
