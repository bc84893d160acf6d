import t from "tap";
import { KEY } from "../../../fixtures/redaction.ts";
import { isPlaceholder, Placeholders, placeholderSpans } from "../../../src/redact/placeholders.ts";

const placeholders = new Placeholders(KEY);

t.test("a placeholder is as long as its secret, or as short as it can be", async (t) => {
	for (let length = 1; length < 60; length++) {
		const placeholder = placeholders.of("password", "x".repeat(length));
		t.equal(placeholder.length, Math.max(length, 17), `${length} bytes`);
		t.match(placeholder, /^ftr_p(?:assword_)?[a-z2-7]{12}(?:_0*)?$/);
		t.ok(isPlaceholder(placeholder));
	}
});

t.test("equal secrets have equal placeholders, with one key alone", async (t) => {
	t.equal(placeholders.of("token", "abc"), new Placeholders(KEY).of("token", "abc"));
	t.not(placeholders.of("token", "abc"), placeholders.of("token", "abd"));
	t.not(placeholders.of("token", "abc"), new Placeholders(Buffer.alloc(32)).of("token", "abc"));
});

t.test("digits of a signature stay hexadecimal digits of the same number", async (t) => {
	for (const length of [16, 32, 40, 64]) {
		const placeholder = placeholders.hex("a".repeat(length));
		t.match(placeholder, new RegExp(`^[0-9a-f]{${length}}$`));
		t.ok(isPlaceholder(placeholder));
	}
});

t.test("other values are no placeholders, also with a placeholder inside", async (t) => {
	const placeholder = placeholders.of("token", "abc");
	for (const value of ["", "ftr_", "ftr_token_short", `${placeholder} secret`, `secret ${placeholder}`, "667472xyz"])
		t.notOk(isPlaceholder(value), value);
});

t.test("finds placeholders in a text", async (t) => {
	const placeholder = placeholders.of("token", "a".repeat(40));
	const text = `{"a":"${placeholder}","b":"${placeholder}"}`;
	t.same(
		placeholderSpans(text).map(({ from, to }) => text.slice(from, to)),
		[placeholder, placeholder],
	);
});

t.test("a fingerprint is no part of the secret and depends on the key", async (t) => {
	t.match(placeholders.fingerprint("secret"), /^[0-9a-f]{16}$/);
	t.not(placeholders.fingerprint("secret"), new Placeholders(Buffer.alloc(32)).fingerprint("secret"));
});
