import t from "tap";
import { KnownSecrets } from "../../../src/redact/known-secrets.ts";

const SECRET = "Tr0ub4dor/&3+horse";
const PLACEHOLDER = "ftr_password_abcde";

function known(...values: string[]): KnownSecrets {
	const secrets = new KnownSecrets();
	for (const value of values) secrets.add({ value, kind: "password", placeholder: PLACEHOLDER });
	return secrets;
}

t.test("a secret is replaced in every notation, and the text stays what it was", async (t) => {
	const secrets = known(SECRET);
	const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
	const hex = (text: string) => Buffer.from(text, "latin1").toString("hex");
	for (const write of [
		(text: string) => `before ${text} after`,
		(text: string) => `a=${encodeURIComponent(text)}&b`,
		(text: string) => `a=${encodeURIComponent(encodeURIComponent(text))}`,
		(text: string) => JSON.stringify({ a: text }),
		(text: string) => `<p a="${text.replaceAll("&", "&amp;")}">`,
		(text: string) => `x ${base64(text)} y`,
		(text: string) => `x ${base64(`a:${text}`)} y`,
		(text: string) => `x ${base64(`ab${text}, and more`)} y`,
		(text: string) => `x ${hex(text)} y`,
	])
		t.equal(secrets.replace(write(SECRET)), write(PLACEHOLDER), write(SECRET));
});

t.test("two secrets in one run of base64", async (t) => {
	const secrets = known(SECRET, "other-secret-77");
	const text = Buffer.from(`${SECRET} and other-secret-77`, "latin1").toString("base64");
	t.equal(Buffer.from(secrets.replace(text), "base64").toString("latin1"), `${PLACEHOLDER} and ${PLACEHOLDER}`);
});

t.test("a short secret does not count inside of a word, a long one does", async (t) => {
	t.equal(known("adm1ns").replace("adm1nstrator adm1ns xadm1ns"), `adm1nstrator ${PLACEHOLDER} xadm1ns`);
	t.equal(known("adm1ns").replace("a%2Fadm1ns \\nadm1ns"), `a%2F${PLACEHOLDER} \\n${PLACEHOLDER}`);
	t.equal(known("abcdefghijk12").replace("xabcdefghijk12x"), `x${PLACEHOLDER}x`);
});

t.test("words, numbers and very short values are replaced at their place alone", async (t) => {
	for (const value of ["password", "123456789", "aaaaaaaaaa", "abc1"]) {
		const text = `a text with ${value} in it`;
		t.equal(known(value).replace(text), text, value);
	}
	const given = new KnownSecrets();
	given.add({ value: "abc1", kind: "env", placeholder: PLACEHOLDER }, true);
	t.equal(given.replace("is abc1 here"), `is ${PLACEHOLDER} here`, "unless the user named it");
});

t.test("binary data keeps its length", async (t) => {
	const text = `\0\x12${SECRET}\x01`;
	t.equal(known(SECRET).replaceInPlace(text).length, text.length);
	t.notMatch(known(SECRET).replaceInPlace(text), SECRET);
});

t.test("many secrets with the same beginning, in a text full of it", async (t) => {
	const secrets = known(...Array.from({ length: 3000 }, (_, i) => `eyJhbGciOiJIUzI1NiJ9.${i}-secret`));
	const text = "eyJhbGciOiJIUzI1NiJ9.".repeat(20_000);
	t.equal(secrets.replace(text), text);
	t.equal(secrets.replace(`${text}2999-secret`), `${text.slice(0, -21)}${PLACEHOLDER}`);
	t.equal(secrets.size, 3000);
});
