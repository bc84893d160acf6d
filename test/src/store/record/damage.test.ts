// Damage of a record has a code, a description and a cause.
import t from "tap";
import { damagedRecord } from "../../../../src/store/record/damage.ts";

t.test("code, message and cause", async (t) => {
	const cause = new Error("why");
	const message = "a record of the tape is damaged: invalid head";
	t.match(damagedRecord("invalid head", cause), { code: "FT_CORRUPT_FLOW", message, cause });
	t.equal(damagedRecord("invalid head").cause, undefined);
});
