// Converts decoded values.
import t from "tap";
import { dictionary, dictionaryOf, numberOf, textOf } from "../../../formats/mitm/values.ts";
import { Float } from "../../../src/flow/metadata.ts";

t.test("dictionaries are those without a prototype", async (t) => {
	const made = dictionary({ a: 1, ["__proto__"]: null });
	t.equal(Object.getPrototypeOf(made), null);
	t.equal(dictionaryOf(made), made);
	for (const other of [undefined, null, [], "x", Buffer.alloc(1), new Float(1)]) t.equal(dictionaryOf(other), null);
});

t.test("text and numbers", async (t) => {
	t.equal(textOf("x"), "x");
	t.equal(textOf(Buffer.from("é")), "é");
	t.equal(textOf(5), null);
	t.equal(numberOf(5), 5);
	t.equal(numberOf(new Float(5)), 5);
	t.equal(numberOf("5"), null);
	t.equal(numberOf(5n), null);
});
