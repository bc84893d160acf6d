// The strict mode.
import t from "tap";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { findInText } from "../../../src/redact/text.ts";

const random = new RandomTokens(3);

function found(text: string): string[] {
	const bytes = Buffer.from(text);
	return findInText(bytes, { strict: true }).map(({ from, to }) => bytes.toString("latin1", from, to));
}

t.test("every run of 20 or more letters and digits", (t) => {
	const token = random.text("alphanumeric", 24);
	for (const text of [token, `{"id":"${token}"}`, `/users/12/${token}/edit`, `a=${token}&b=1`, `x: ${token}, y`])
		t.same(found(text), [token], text);
	const base64 = `${random.text("base64", 43)}=`;
	t.same(found(`"${base64}"`), [base64]);
	t.same(found(`"${token.slice(0, 19)}"`), []);
	t.same(found("x ".repeat(50) + "a1".repeat(1000)), ["a1".repeat(1000)]);
	t.end();
});

t.test("nothing of a harmless form", (t) => {
	for (const text of [
		random.uuid(),
		random.text("hex", 32),
		random.text("hex", 40),
		random.text("hex", 64),
		random.text("hex", 128),
		`sha384-${random.text("base64", 64)}`,
		`00-${random.text("hex", 32)}-${random.text("hex", 16)}-01`,
		"2024-01-01T00-00-00Z",
		"aLongNameWithoutAnyDigitsInIt",
		"12345678901234567890",
		`data:image/png;base64,${random.text("base64", 4000)}==`,
		"/api/v1/customers/12/orders/34/items",
	])
		t.same(found(`"${text}"`), [], text);
	t.end();
});
