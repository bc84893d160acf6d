// Describes the records in bytes.
import t from "tap";
import { completeRecords, WITHIN_RECORD } from "../../formats/records.ts";

t.test("complete records", async (t) => {
	t.same(completeRecords(Buffer.alloc(7)), { count: 0, size: 7 });
	t.same(completeRecords(Buffer.alloc(7), 3), { count: 3, size: 7 });
	t.same(WITHIN_RECORD, { count: 0, size: 0 });
});
