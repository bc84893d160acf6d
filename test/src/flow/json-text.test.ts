// Characters that a terminal interprets are escaped; the JSON parses to the same value.
import t from "tap";
import { jsonText } from "../../../src/flow/json-text.ts";

t.test("escapes and parses to the same value", async (t) => {
	const text = "a\u001b\u007f\u009b\u0085\u2028\u202e\u2066\u200e\u200f\u061cé🍇";
	t.equal(jsonText({ text }), '{"text":"a\\u001b\\u007f\\u009b\\u0085\\u2028\\u202e\\u2066\\u200e\\u200f\\u061cé🍇"}');
	t.same(JSON.parse(jsonText({ text })), { text });
	t.equal(jsonText({ a: "\u009b" }, "\t"), '{\n\t"a": "\\u009b"\n}');
});
