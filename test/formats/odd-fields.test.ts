// Reports the first odd field of each kind, and the number of further ones.
import t from "tap";
import { reports } from "../../fixtures/tape-files.ts";
import { OddFields } from "../../formats/odd-fields.ts";

t.test("the first of each kind, and the number of records with it", async (t) => {
	const { list, report } = reports();
	const odd = new OddFields("a.jsonl", report);
	for (const [record, kind] of [
		[1, "comment: expected a string"],
		[1, "comment: expected a string"],
		[2, "comment: expected a string"],
		[3, "marked: expected a string"],
		[4, "comment: expected a string"],
	] as const)
		odd.report({ where: `line ${record}, byte 0`, offset: 0, record }, kind, `${kind}; left out`);
	odd.reportCounts("lines");
	t.match(list, [
		{ code: "FT_ODD_FIELD", record: 1, message: "a.jsonl: line 1, byte 0: comment: expected a string; left out" },
		{ code: "FT_ODD_FIELD", record: 3, message: "a.jsonl: line 3, byte 0: marked: expected a string; left out" },
		{ code: "FT_ODD_FIELD", message: "a.jsonl: 2 more lines like that: comment: expected a string" },
	]);
	t.equal(list.length, 3);
});

t.test("the first damaged records, and the number of further ones", async (t) => {
	const { list, report } = reports();
	const odd = new OddFields("a.har", report);
	for (let record = 0; record < 15; record++)
		odd.reportDamage({ where: `byte ${record}`, offset: record, record }, "expected an object");
	odd.reportCounts("entries");
	t.equal(list.length, 12);
	t.match(list[0], { code: "FT_CORRUPT_FLOW", message: "a.har: byte 0: expected an object", offset: 0 });
	t.match(list[10], { record: 10, offset: 10 });
	t.match(list[11], { code: "FT_CORRUPT_FLOW", message: "a.har: 4 more damaged entries" });
});
