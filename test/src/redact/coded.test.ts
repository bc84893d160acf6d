import t from "tap";
import { mayBeCoded, mayPartBeCoded } from "../../../src/redact/coded.ts";

t.test("JSON, URLs, queries, percent-encoded text and base64", async (t) => {
	for (const value of [
		'{"password":1}',
		"[1,2,3,4,5,6,7]",
		"https://a.test/x",
		"/path?token=abc",
		"user=ann&password=abc",
		"%7B%22a%22%3A1%7D",
		"eyJhIjoiYiJ9eyJh",
		"eyJhIjoiYiJ9eyJhIg==",
	])
		t.ok(mayBeCoded(value), value);
});

t.test("words and sentences are none", async (t) => {
	for (const value of ["", "short", "a whole sentence, with words.", "2026-01-02T03:04:05Z", "12:34:56 o'clock"])
		t.notOk(mayBeCoded(value), value);
});

t.test("base64 that does not begin with text is an identifier", async (t) => {
	t.notOk(mayBeCoded("f47ac10b-58cc-4372-a567-0e02b2c3d479"));
	t.notOk(mayBeCoded("da39a3ee5e6b4b0d3255bfef95601890afd80709"));
});

t.test("parts of a text", async (t) => {
	const text = '{"a":"user=ann&b=c","b":"x\\"y","c":"plain words"}';
	const part = (value: string) => mayPartBeCoded(text, text.indexOf(value), text.indexOf(value) + value.length);
	t.same([part("user=ann&b=c"), part('x\\"y'), part("plain words")], [true, "escaped", false]);
});
