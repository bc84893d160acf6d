// Dictionaries among metadata values.
import t from "tap";
import { Float, isDictionary } from "../../../src/flow/metadata.ts";

t.test("dictionaries", async (t) => {
	t.ok(isDictionary({}));
	t.ok(isDictionary(Object.create(null)));
	for (const other of [null, true, 1, 1n, "", new Float(1), new Uint8Array(1), []])
		t.notOk(isDictionary(other), String(other));
	t.equal(new Float(2).value, 2);
});
