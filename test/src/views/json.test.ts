// Views of JSON: indented values, JSON lines, text sequences and GraphQL.
import t from "tap";
import { json, jsonSequence } from "../../../src/views/json.ts";

const show = (text: string, type = "application/json") =>
	json({ bytes: Buffer.from(text), text: () => text, type, contentType: type });

t.test("values are indented, by type or content", async (t) => {
	t.equal(show('{"a":[1]}'), '{\n  "a": [\n    1\n  ]\n}');
	t.equal(show("[1]", "text/plain"), "[\n  1\n]");
	t.equal(show("3", "application/problem+json"), "3");
});

t.test("nothing is lost: long numbers, duplicate keys, empty lists", async (t) => {
	const text = '{\n  "a": 12345678901234567890,\n  "a": 1.0e400,\n  "b": [],\n  "c": [\n    {}\n  ]\n}';
	t.equal(show(text), text);
	t.equal(show(text.replace(/\s/g, "")), text);
	t.equal(show('["\\u00e9\\u001b, {\\"x\\":[]}"]'), '[\n  "é\\u001b, {\\"x\\":[]}"\n]');
	t.equal(show(`${"[".repeat(5000)}${"]".repeat(5000)}`), null, "too deep for lines");
});

t.test("JSON lines", async (t) => {
	t.equal(show('{"a":1}\n{"b":2}\n'), '{\n  "a": 1\n}\n{\n  "b": 2\n}');
});

t.test("a JSON text sequence", async (t) => {
	const text = '\x1e{"a":\n1}\n\x1e[]\n';
	const show = (text: string, type: string) =>
		jsonSequence({ bytes: Buffer.from(text), text: () => text, type, contentType: type });
	t.equal(show(text, "application/json-seq"), '{\n  "a": 1\n}\n[]');
	t.equal(show(text, "application/geo+json-seq"), '{\n  "a": 1\n}\n[]');
	t.equal(show(text, "application/json"), null);
	t.equal(show("\x1e{", "application/json-seq"), null);
});

t.test("GraphQL queries are printed as text", async (t) => {
	t.equal(
		show(JSON.stringify({ query: "query A {\n  b\n}\n", variables: { c: 1 } })),
		'query A {\n  b\n}\n\n{\n  "variables": {\n    "c": 1\n  }\n}',
	);
	t.equal(show(JSON.stringify([{ query: "{ a }" }, { query: "mutation { b }" }])), "{ a }\n\nmutation { b }");
	t.match(show('{"query":"shoes"}'), '"query": "shoes"', "a search is no GraphQL");
});

t.test("invalid JSON", async (t) => {
	t.equal(show("text", "text/plain"), null);
	t.equal(show('{"a":'), null);
	t.equal(show('{"a":1}\n{"b":'), null);
});
