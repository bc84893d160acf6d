// Values that were written are found again, by whole values, in a bounded memory.
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { SeenValues } from "../../../src/redact/seen-values.ts";

const random = new RandomTokens(8);
const TOKEN = random.text("alphanumeric", 24);

t.test("the flows that have a value, wherever it stands", async (t) => {
	const seen = new SeenValues();
	const texts = [`a ${TOKEN} b`, `{"id":"${TOKEN}"}`, `?x=%2F${TOKEN}%3D`, `"a\\n${TOKEN}"`, `"\\u002f${TOKEN}"`];
	for (const [n, text] of texts.entries()) seen.add(text, n);
	seen.add(`${TOKEN}more`, 100);
	seen.add("other text with words", 101);
	t.same([...seen.flowsWith(TOKEN)].sort(), [0, 1, 2, 3, 4]);
	t.same([...seen.flowsWith(`short/${TOKEN}+x`)].sort(), [0, 1, 2, 3, 4], "by its longest value");
	t.same([...seen.flowsWith("pass")], []);
	t.same([...seen.flowsWith(random.text("alphanumeric", 24))], []);
});

t.test("the oldest values go when there are too many", large, async (t) => {
	const seen = new SeenValues();
	seen.add(TOKEN, 0);
	for (let flow = 1; flow <= 999; flow++)
		seen.add(Array.from({ length: 1000 }, (_, n) => `value-${flow}-${n}`).join(" "), flow);
	t.same([...seen.flowsWith(TOKEN)], [0]);
	t.same([...seen.flowsWith("value-500-77")], [500]);
	for (let flow = 1000; flow <= 1002; flow++)
		seen.add(Array.from({ length: 1000 }, (_, n) => `value-${flow}-${n}`).join(" "), flow);
	t.same([...seen.flowsWith(TOKEN)], []);
	t.same([...seen.flowsWith("value-500-77")], [500]);
	t.same([...seen.flowsWith("value-1002-999")], [1002]);
});
