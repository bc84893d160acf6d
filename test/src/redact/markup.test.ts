import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { markupEdits } from "../../../src/redact/markup.ts";
import { applyEdits } from "../../../src/redact/redaction.ts";

const redacted = (text: string) => applyEdits(text, markupEdits(text, bracketing().redaction));

t.test("form fields, meta elements, attributes and elements of XML", async (t) => {
	for (const [text, expected] of [
		['<input type="hidden" name="csrf_token" value="abc">', '<input type="hidden" name="csrf_token" value="(csrf)">'],
		["<input value='abc' name='authenticity_token'/>", "<input value='(csrf)' name='authenticity_token'/>"],
		['<input type=password value="abc">', '<input type=password value="(password)">'],
		["<input type=hidden name=csrf_token value=abc>", "<input type=hidden name=csrf_token value=(csrf)>"],
		['<input type="password" value="abc">', '<input type="password" value="(password)">'],
		['<meta name="csrf-token" content="abc">', '<meta name="csrf-token" content="(csrf)">'],
		['<div data-api-key="abc" class="x">', '<div data-api-key="(key)" class="x">'],
		['<add key="password" value="a&amp;b"/>', '<add key="password" value="(password)"/>'],
		[
			"<soap:Body><w:password> abc </w:password></soap:Body>",
			"<soap:Body><w:password> (password) </w:password></soap:Body>",
		],
		["<password><b>x</b></password>", "<password><b>x</b></password>"],
		['<input name="q" value="abc">', '<input name="q" value="abc">'],
		["a < b && c > d", "a < b && c > d"],
	] as const)
		t.equal(redacted(text), expected, text);
});

t.test("hostile markup ends", async (t) => {
	for (const text of [
		"<a ".repeat(100_000),
		`<a ${'b="'.repeat(50_000)}`,
		"<password>".repeat(50_000),
		"<".repeat(500_000),
	])
		t.equal(redacted(text), text);
});
