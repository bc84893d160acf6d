// One line for each kind of field, and one for how many more there were.
import t from "tap";
import { reports } from "../../fixtures/tape-files.ts";
import { OddFields } from "../../formats/odd-fields.ts";

t.test("the first of each kind, and the number of records with it", async (t) => {
	const { list, report } = reports();
	const odd = new OddFields("a.jsonl", report);
	for (const [record, kind] of [
		[1, "comment a string"],
		[1, "comment a string"],
		[2, "comment a string"],
		[3, "marked a string"],
		[4, "comment a string"],
	] as const)
		odd.tell({ where: `line ${record}, byte 0`, offset: 0, record }, kind, `${kind}: left out`);
	odd.end("lines");
	t.match(list, [
		{ code: "FT_ODD_FIELD", record: 1, message: "a.jsonl: line 1, byte 0: comment a string: left out" },
		{ code: "FT_ODD_FIELD", record: 3, message: "a.jsonl: line 3, byte 0: marked a string: left out" },
		{ code: "FT_ODD_FIELD", message: "a.jsonl: 2 more lines like that: comment a string was expected" },
	]);
	t.equal(list.length, 3);
});
