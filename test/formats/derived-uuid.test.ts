// Derives UUIDs from bytes.
import t from "tap";
import { derivedUuid } from "../../formats/derived-uuid.ts";

t.test("version 8, equal for equal bytes", async (t) => {
	const id = derivedUuid("a");
	t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
	t.equal(derivedUuid(Buffer.from("a")), id);
	t.not(derivedUuid("b"), id);
});
