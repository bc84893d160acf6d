// Content-Type values, as senders write them.
import t from "tap";
import { isJsonType, parseMediaType } from "../../../src/flow/content-type.ts";

t.test("type and subtype, in lower case", async (t) => {
	for (const [value, essence] of [
		["text/html", "text/html"],
		[" Text/HTML ; charset=utf-8", "text/html"],
		["application/x-www-form-urlencoded charset=utf-8", "application/x-www-form-urlencoded"],
		["text/html,text/plain", "text/html"],
		["; charset=utf-8", ""],
		["", ""],
		[null, ""],
	] as const)
		t.equal(parseMediaType(value).essence, essence, String(value));
});

t.test("parameters", async (t) => {
	const type = parseMediaType('a/b; x=1; Q="a;x=2 \\"b\\\\"; blank = y ; none=; empty=""; x=3; tick=\'t\'');
	t.equal(type.parameter("X"), "1", "the first of several");
	t.equal(type.parameter("q"), 'a;x=2 "b\\');
	t.equal(type.parameter("blank"), "y");
	t.equal(type.parameter("none"), null);
	t.equal(type.parameter("empty"), null);
	t.equal(type.parameter("tick"), "'t'");
	t.equal(type.parameter("missing"), null);
	t.equal(parseMediaType(";charset=koi8-r").parameter("charset"), "koi8-r");
});

t.test("JSON types", async (t) => {
	for (const essence of ["application/json", "text/json", "application/problem+json"])
		t.ok(isJsonType(essence), essence);
	for (const essence of ["application/json-seq", "application/jsonl", "text/plain", ""])
		t.notOk(isJsonType(essence), essence);
});
