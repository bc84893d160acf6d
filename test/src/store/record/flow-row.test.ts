// The columns of a row are those of the table, in the order in which its values are inserted.
import { join } from "node:path";
import t from "tap";
import { COLUMN, FLOW_COLUMNS, type FlowRow, READ_COLUMNS, valuesOf } from "../../../../src/store/record/flow-row.ts";
import { TapeDatabase } from "../../../../src/store/sqlite/database.ts";

t.test("values in the order of the columns", async (t) => {
	const row = Object.fromEntries(FLOW_COLUMNS.map((name) => [name, `the ${name}`])) as unknown as FlowRow;
	t.strictSame(
		valuesOf(row),
		FLOW_COLUMNS.map((name) => `the ${name}`),
	);
	t.equal(valuesOf(row)[COLUMN.response_body] as unknown, "the response_body");
});

t.test("all columns of the table except the sequence number", async (t) => {
	const db = new TapeDatabase(join(t.testdir(), "a.tape"), "create", false);
	const columns = db.all<{ name: string }>("SELECT name FROM pragma_table_info('flow')").map(({ name }) => name);
	t.same([...FLOW_COLUMNS].sort(), columns.filter((name) => name !== "seq").sort());
	t.ok(READ_COLUMNS.every((name) => columns.includes(name)));
	db.close();
});
