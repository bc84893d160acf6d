// A sample of every format.
import t from "tap";
import { issuerSamples } from "../../../fixtures/issuer-samples.ts";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { isBasic, issuers, isTemplate } from "../../../src/redact/issuers.ts";
import { findInText } from "../../../src/redact/text.ts";

const random = new RandomTokens(16);
const [hex, alnum, b64, upper] = (["hex", "alphanumeric", "base64", "upperAlphanumeric"] as const).map(
	(alphabet) => (length: number) => random.text(alphabet, length),
) as [(length: number) => string, (length: number) => string, (length: number) => string, (length: number) => string];

t.test("every format has a sample, and none twice", (t) => {
	t.same(Object.keys(issuerSamples).sort(), issuers.map(({ id }) => id).sort());
	t.end();
});

t.test("a token is found by its rule: alone, in JSON, in a URL, behind an escape", (t) => {
	for (const { id, kind } of issuers) {
		for (const sample of issuerSamples[id] ?? []) {
			const [before, secret, after = ""] = typeof sample === "string" ? ["", sample] : sample;
			const texts = [
				before + secret + after,
				`{"text":"a\\n${before}${secret}${after}\\n"}`,
				`x ${before}${secret}${after} y`,
			];
			if (typeof sample === "string")
				texts.push(`<p>${secret}</p>`, `a=${encodeURIComponent("x=")}${secret}&b`, `("${secret}")`);
			for (const text of texts) {
				const bytes = Buffer.from(text);
				for (const free of [false, true]) {
					const found = findInText(bytes, { free }).filter((span) => span.confidence === "high");
					t.same(
						found.map(({ from, to, ...span }) => ({ ...span, secret: bytes.toString("utf8", from, to) })),
						[{ kind, rule: id, confidence: "high", secret }],
						text,
					);
				}
			}
		}
	}
	t.end();
});

t.test("a token inside a longer word is none", (t) => {
	for (const text of [
		`x${"ghp"}_${alnum(36)}`,
		`${"ghp"}_${alnum(36)}_x`,
		`data:image/png;base64,${b64(40)}/EAA${alnum(90)}+${b64(40)}`,
		`AKIA${upper(20)}`,
		`${hex(40)}-us1`,
	])
		t.same(findInText(Buffer.from(text)), [], text);
	t.end();
});

t.test("Basic is only what decodes to a user and a password", (t) => {
	t.ok(isBasic(Buffer.from("joe:").toString("base64")));
	t.ok(isBasic(Buffer.from("jörg:ü").toString("base64")));
	for (const text of ["authentication", "usage", "YWJjZA==", "AAA6AAA="]) t.notOk(isBasic(text), text);
	t.end();
});

t.test("variables of templates are no secrets", (t) => {
	for (const text of [
		"$\u007bPASSWORD}",
		"$PASSWORD",
		"{{ password }}",
		"%s",
		"<password>",
		"xxxx",
		"****",
		"...",
		":pass",
	])
		t.ok(isTemplate(text), text);
	for (const text of ["pa$$word", "hunter2", "100%sure?".slice(0, 4), "a{b}"]) t.notOk(isTemplate(text), text);
	t.end();
});
