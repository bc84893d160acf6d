import t from "tap";
import { mayBeCoded } from "../../../src/redact/coded.ts";

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
