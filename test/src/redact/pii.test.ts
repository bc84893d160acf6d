// Personal data by its form.
import t from "tap";
import { findPii, ibanLength, isCard } from "../../../src/redact/pii.ts";
import { LIMIT_RULE, SPAN_LIMIT } from "../../../src/redact/span.ts";

function found(text: string): string[] {
	const bytes = Buffer.from(text);
	return findPii(bytes).map(({ from, to, kind }) => `${kind} ${bytes.toString("utf8", from, to)}`);
}

t.test("what is found", (t) => {
	for (const [text, expected] of [
		['{"mail":"joe.smith+x@mail.example.com"}', "email joe.smith+x@mail.example.com"],
		["<joe@example.org>", "email joe@example.org"],
		["card 4111 1111 1111 1111.", "card 4111 1111 1111 1111"],
		['"5555555555554444"', "card 5555555555554444"],
		["378282246310005", "card 378282246310005"],
		["IBAN: DE89 3704 0044 0532 0130 00, BIC", "iban DE89 3704 0044 0532 0130 00"],
		['"GB82WEST12345698765432"', "iban GB82WEST12345698765432"],
		["DE89 3704 0044 0532 0130 00 AND MORE", "iban DE89 3704 0044 0532 0130 00"],
		['"phone":"+491701234567"', "phone +491701234567"],
		["+1 (555) 010-4477", "phone +1 (555) 010-4477"],
		["from 203.0.113.7:8080", "ip 203.0.113.7"],
		["at 203.0.113.7.", "ip 203.0.113.7"],
		['"2001:db8::7"', "ip 2001:db8::7"],
	] as const)
		t.same(found(text), [expected], text);
	t.end();
});

t.test("what is not", (t) => {
	for (const text of [
		"4111 1111 1111 1112",
		"1704067200000",
		"1234567890123456",
		"id 4111111111111111-x",
		"DE89 3704 0044 0532 0130 01",
		"GB82WEST123456987654321",
		"2024-01-01T00:00:00+01:00",
		"1+491701234567",
		"127.0.0.1 0.0.0.0 ::1 ::",
		"1.2.3 1.2.3.4.5 v1.2.3.400 256.1.1.1",
		"12:30:45",
		"icon@2x.png",
		"package@1.2.3",
		"joe@localhost",
	])
		t.same(found(text), [], text);
	t.end();
});

t.test("check digits", (t) => {
	t.ok(isCard("6011111111111117"));
	t.notOk(isCard("9011111111111117"));
	t.equal(ibanLength("FR1420041010050500013M02606"), 27);
	t.equal(ibanLength("XX1420041010050500013M02606"), 0);
	t.end();
});

t.test("at the borders of pieces, each once", (t) => {
	const mail = "joe@example.org";
	for (let shift = 0; shift <= mail.length; shift++) {
		const text = `${" ".repeat(65_536 - shift)}${mail} `;
		t.same(found(text), [`email ${mail}`]);
	}
	t.end();
});

t.test("beyond the limit, one span stands for the rest", (t) => {
	const bytes = Buffer.from("joe@example.org ".repeat(SPAN_LIMIT + 10));
	const spans = findPii(bytes);
	t.equal(spans.length, SPAN_LIMIT);
	const last = spans.at(-1);
	t.same([last?.rule, last?.from, last?.to], [LIMIT_RULE, spans.at(-2)?.to, bytes.length]);
	t.end();
});
