// Numbers of a line that are kept as text.
import t from "tap";
import { mayHaveNumberTexts, numberText, withNumberTexts } from "../../../formats/jsonl/number-texts.ts";
import { LongTexts } from "../../../formats/long-texts.ts";

t.test("numbers that are not represented exactly are kept as text", async (t) => {
	for (const number of ["9007199254740993", "1e400", "-1E999", "1e-400", "123456789012345678901234567890"]) {
		t.ok(mayHaveNumberTexts(Buffer.from(`{"a":${number}}`)), number);
		const kept = numberText(number);
		const long = new LongTexts();
		const { head, rest } = long.json(withNumberTexts({ a: [kept, 1] }, long));
		t.equal([head, ...(rest ?? [])].join(""), `{"a":[${number},1]}`);
		t.equal(JSON.stringify([kept]), JSON.stringify([Number(number)]), "without texts it is the nearest number");
		t.equal(kept?.description, number);
	}
});

t.test("others stay numbers", async (t) => {
	for (const number of ["1.0", "100e2", "0.1", "-0.5", "1e21", "1796077278.4145665", "-0"])
		t.equal(numberText(number), null, number);
	t.notOk(mayHaveNumberTexts(Buffer.from('{"a":[1,-2.5,"text"]}')));
});
