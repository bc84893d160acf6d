// Bytes that belong together.
import t from "tap";
import { WITHIN_RECORD, wholly } from "../../formats/records.ts";

t.test("all of them", async (t) => {
	t.same(wholly(Buffer.alloc(7)), { count: 0, size: 7 });
	t.same(wholly(Buffer.alloc(7), 3), { count: 3, size: 7 });
	t.same(WITHIN_RECORD, { count: 0, size: 0 });
});
