// Values of tests in the notes of a tape.
import t from "tap";
import { notesOfValues, valuesOfNotes } from "../../../integrations/test/value-notes.ts";

t.test("values, and other notes", async (t) => {
	const values = new Map([
		["id", '"a"'],
		["__proto__", "1"],
	]);
	t.same(valuesOfNotes({ ...notesOfValues(values), other: "x", "flowtape:value:odd": 1 }), values);
	t.same(notesOfValues(new Map()), {});
});
