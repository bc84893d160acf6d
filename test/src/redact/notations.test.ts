import t from "tap";
import { notationsOf } from "../../../src/redact/notations.ts";

const texts = (secret: string) => notationsOf(secret).map(({ text }) => text);

t.test("the notations of a secret with special characters", async (t) => {
	const found = texts(`p/w+"&<é`);
	for (const text of [
		`p/w+"&<é`,
		"p%2Fw%2B%22%26%3C%E9",
		"p%2fw%2b%22%26%3c%e9",
		"p%252Fw%252B%2522%2526%253C%25E9",
		'p/w+\\"&<é',
		'p\\/w+\\"&<é',
		'p\\u002fw\\u002b\\"\\u0026\\u003cé',
		"p/w+&quot;&amp;&lt;é",
		Buffer.from(`p/w+"&<é`, "latin1").toString("hex"),
	])
		t.ok(found.includes(text), text);
});

t.test("the characters of base64 that the secret alone decides", async (t) => {
	const secret = "correct horse";
	for (const before of ["", "a", "ab", "abc", "abcd"])
		for (const after of ["", "z", "zy", "zyx"])
			for (const alphabet of ["base64", "base64url"] as const) {
				const text = Buffer.from(before + secret + after, "latin1").toString(alphabet);
				t.ok(
					texts(secret).some((notation) => text.includes(notation)),
					`${before}…${after} ${alphabet}`,
				);
			}
});

t.test("a plain secret has few notations, without duplicates", async (t) => {
	const found = texts("abcdefgh12345678");
	t.equal(found[0], "abcdefgh12345678");
	t.equal(new Set(found).size, found.length);
	t.ok(found.length < 10);
});
