// The positions of the values in a JSON text.
import fc from "fast-check";
import t from "tap";
import { pointerOf } from "../../../src/json/leaves.ts";
import { isJson, skipSpace, tokenEnd, valueEnd, walkJson } from "../../../src/json/walk.ts";

/** Pointers with the text of their values; null if it is not JSON. */
function valuesOf(text: string): [string, string][] | null {
	const values: [string, string][] = [];
	return walkJson(text, (path, from, to) => values.push([pointerOf(path), text.slice(from, to)])) ? values : null;
}

t.test("each value with its pointer, in the order of the text", (t) => {
	t.same(valuesOf(' { "a" : [1, {"b":null}, "x,]"] ,"c/d~\\u0065":-1.5e3, "e":{}, "f":[] }'), [
		["", "{"],
		["/a", "["],
		["/a/0", "1"],
		["/a/1", "{"],
		["/a/1/b", "null"],
		["/a/2", '"x,]"'],
		["/c~1d~0e", "-1.5e3"],
		["/e", "{"],
		["/f", "["],
	]);
	t.same(valuesOf('"a\\"b"'), [["", '"a\\"b"']]);
	t.end();
});

t.test("finds all leaves of random values", (t) => {
	const leaves = (value: unknown, pointer = ""): [string, unknown][] => {
		if (typeof value !== "object" || value === null) return [[pointer, value]];
		return Object.entries(value).flatMap(([key, item]) =>
			leaves(item, `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`),
		);
	};
	fc.assert(
		fc.property(fc.json(), fc.constantFrom(undefined, 2, "\t"), (json, space) => {
			const text = JSON.stringify(JSON.parse(json), null, space);
			const found = (valuesOf(text) ?? [])
				.filter(([, token]) => token !== "{" && token !== "[")
				.map(([pointer, token]) => [pointer, JSON.parse(token)]);
			t.same(found, leaves(JSON.parse(text)));
		}),
		{ seed: 2, numRuns: 200 },
	);
	t.end();
});

t.test("invalid JSON and too deep nesting are rejected", (t) => {
	for (const text of ["", "{", "{'a':1}", "[1,]", "nul", "1 2", `${"[".repeat(100_000)}${"]".repeat(100_000)}`])
		t.equal(valuesOf(text), null);
	t.end();
});

t.test("texts with too many values are not parsed", async (t) => {
	const visit = () => t.fail("nothing is visited");
	for (const text of [
		"[".repeat(20_000_000),
		`[${"[],".repeat(300_000)}[]]`,
		`[${"1,".repeat(300_000)}1]`,
		`["a${'\\"'.repeat(10)}`,
	])
		t.notOk(walkJson(text, visit));
	let values = 0;
	t.ok(walkJson(`[${'"[[,\\"",'.repeat(150_000)}1]`, () => values++));
	t.equal(values, 150_002);
});

t.test("the end of values", async (t) => {
	for (const text of ['{"a":"}\\"]"}', "[[],[{}]]", '"a\\"b"', "-1.5e3", "true"])
		t.equal(valueEnd(`${text} , 1`, 0), text.length, text);
	t.equal(skipSpace(" \n\t1", 0), 3);
	t.equal(tokenEnd("12]", 0), 2);
	t.same([isJson("[1]"), isJson("[1")], [true, false]);
});

t.test("what is JSON for JSON.parse is JSON, and nothing else", async (t) => {
	const isParsed = (text: string) => {
		try {
			JSON.parse(text);
			return true;
		} catch {
			return false;
		}
	};
	const marks = [
		'"',
		"\\",
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"0",
		"-",
		".",
		"e",
		"t",
		"\n",
		"\u0001",
		"\u2028",
		"",
		" ",
		"u12",
	];
	fc.assert(
		fc.property(fc.json(), fc.nat(), fc.constantFrom(...marks), fc.boolean(), (text, at, mark, replaces) => {
			const from = at % (text.length + 1);
			const changed = text.slice(0, from) + mark + text.slice(from + Number(replaces));
			return isJson(text) && isJson(changed) === isParsed(changed);
		}),
		{ numRuns: 3000, seed: 5 },
	);
	for (const text of [
		"",
		" ",
		"01",
		"1.",
		"-",
		"1e5",
		"-0.5E-3",
		"tru",
		"nulll",
		'"\\x"',
		'"\\u12g4"',
		"[1,]",
		'{"a":1,}',
		"[[]",
		"1 2",
	])
		t.equal(isJson(text), isParsed(text), text);
});
