// Values in a JSON text are set and deleted; the rest of the text stays unchanged.
import t from "tap";
import { large } from "../../../fixtures/large.ts";
import { editJson, parseJsonDelete, parseJsonSet } from "../../../src/json/edit.ts";

const set = (text: string, rule: string) => editJson(text, parseJsonSet(rule, "json_set"));
const remove = (text: string, path: string) => editJson(text, parseJsonDelete(path, "json_delete"));

t.test("sets values, and changes nothing else", async (t) => {
	for (const [text, rule, edited] of [
		['{"a":1,"b":2}', "/a=3", '{"a":3,"b":2}'],
		['{"a": 1.0, "b" :\t2e5 }\n', "/b=[1, 2]", '{"a": 1.0, "b" :\t[1, 2] }\n'],
		['{"a":{"b":"x"}}', "$.a.b=Ann Lee", '{"a":{"b":"Ann Lee"}}'],
		['{"a":{"b":"x"}}', '/a/b="1"', '{"a":{"b":"1"}}'],
		['{"a":1}', "/a=", '{"a":""}'],
		['{"a":1}', "/a=x=y", '{"a":"x=y"}'],
		['{"a=b":1}', "$['a=b']=2", '{"a=b":2}'],
		['[{"id":1},{"id":2}]', "/*/id=0", '[{"id":0},{"id":0}]'],
		['[{"id":1},{"id":2}]', "$[1].id=0", '[{"id":1},{"id":0}]'],
		['{"id":1,"x":[{"id":{"id":2}}]}', "$..id=0", '{"id":0,"x":[{"id":0}]}'],
		['{"a/b":1,"~":2}', "/a~1b=3", '{"a/b":3,"~":2}'],
		['{"\\u0061":1}', "/a=2", '{"\\u0061":2}'],
		['{"a":1,"a":2}', "/a=3", '{"a":3,"a":3}'],
		['"text"', "=null", "null"],
		['{"a":"]}"}', "/a=0", '{"a":0}'],
		['{"big":12345678901234567890,"a":1}', "/a=0", '{"big":12345678901234567890,"a":0}'],
		['{"__proto__":{"a":1}}', "/__proto__/a=2", '{"__proto__":{"a":2}}'],
	] as const)
		t.equal(set(text, rule), edited, `${rule} in ${text}`);
});

t.test("a path without wildcards adds a missing member to an existing object", async (t) => {
	t.equal(set("{}", "/a=1"), '{"a":1}');
	t.equal(set('{"u":{"x":1}}', "/u/y=true"), '{"u":{"x":1,"y":true}}');
	t.equal(set('{\n  "a": 1\n}\n', "/b=2"), '{\n  "a": 1,\n  "b": 2\n}\n');
	for (const [text, rule] of [
		['{"a":1}', "/u/y=2"],
		['{"u":[1]}', "/u/1=2"],
		['{"u":"x"}', "/u/y=2"],
		['{"a":1}', "/b*=2"],
		['{"a":1}', "$..b=2"],
		["[]", "/0=1"],
	] as const)
		t.equal(set(text, rule), null, `${rule} in ${text}`);
});

t.test("deletes members and items with their commas", async (t) => {
	for (const [text, path, edited] of [
		['{"a":1,"b":2,"c":3}', "/a", '{"b":2,"c":3}'],
		['{"a":1,"b":2,"c":3}', "/b", '{"a":1,"c":3}'],
		['{"a":1,"b":2,"c":3}', "/c", '{"a":1,"b":2}'],
		['{"a":1}', "/a", "{}"],
		['{ "a": 1 }', "/a", "{}"],
		['{\n  "a": 1,\n  "b": 2\n}', "/b", '{\n  "a": 1\n}'],
		['{\n  "a": 1,\n  "b": 2\n}', "/a", '{\n  "b": 2\n}'],
		["[1, 2, 3]", "/0", "[ 2, 3]"],
		["[1,2,3]", "/*", "[]"],
		['{"a":{"password":1,"x":[{"password":2}]}}', "$..password", '{"a":{"x":[{}]}}'],
		['{"token":1,"token_id":2,"x":3}', "/token*", '{"x":3}'],
	] as const)
		t.equal(remove(text, path), edited, `${path} in ${text}`);
	t.equal(remove('{"a":1}', "/b"), null);
	t.equal(remove('{"a":1}', "/a/b"), null);
});

t.test("invalid JSON, deep nesting and equal values stay unchanged", async (t) => {
	for (const text of ["", "{", '{"a":1', "{'a':1}", '{"a":1}x', "<a>"]) t.equal(set(text, "/a=2"), null, text);
	t.equal(set(`${"[".repeat(300)}${"]".repeat(300)}`, "$..a=1"), null);
	t.equal(set('{"a":1}', "/a=1"), null);
});

t.test("the result has the same values as an edit of the parsed text, for many texts", large, async (t) => {
	let state = 7;
	const next = (n: number) => {
		state = (state * 1103515245 + 12345) % 2147483648;
		return Math.floor(state / 65536) % n;
	};
	const value = (depth: number): unknown => {
		const kind = next(depth > 3 ? 4 : 6);
		if (kind === 0) return next(1000) - 500;
		if (kind === 1) return ['a"b', "\\", "é\n", "]", "{", ""][next(6)];
		if (kind === 2) return [true, false, null][next(3)];
		if (kind === 3) return "plain";
		if (kind === 4) return Array.from({ length: next(4) }, () => value(depth + 1));
		return Object.fromEntries(
			Array.from({ length: next(4) }, () => [["a", "b", 'q"', "c/d"][next(4)], value(depth + 1)]),
		);
	};
	const without = (given: unknown): unknown =>
		Array.isArray(given)
			? given.map(without)
			: typeof given === "object" && given !== null
				? Object.fromEntries(
						Object.entries(given).flatMap(([key, item]) => (key === "a" ? [] : [[key, without(item)]])),
					)
				: given;
	for (let i = 0; i < 500; i++) {
		const made = value(0);
		for (const space of [0, 2, "\t"]) {
			const text = JSON.stringify(made, null, space);
			t.same(JSON.parse(remove(text, "$..a") ?? text), without(made));
			const changed = set(text, "$..b=7") ?? text;
			t.notMatch(JSON.stringify(JSON.parse(changed)), /"b":[^7]/);
		}
	}
});

t.test("invalid rules", async (t) => {
	for (const rule of ["/a", "$.a", "a=1", "$.a[=1"])
		t.throws(() => parseJsonSet(rule, "json_set"), { code: "FT_BAD_OPTION" }, rule);
	for (const path of ["", "$", "/**", "/**/**", "a", "$.["])
		t.throws(() => parseJsonDelete(path, "json_delete"), { code: "FT_BAD_OPTION" }, path);
});
