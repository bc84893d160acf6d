// Replaces recorded values by new ones.
import t from "tap";
import { Replacements } from "../../../src/replay/replacements.ts";

const IDS = Object.entries({
	"100001": "100002",
	"100002": "100003",
	"1000015": "long",
	"id/old&1": "id/new&1",
	'"etag-1"': '"etag-2"',
});

const replaced = (text: string, pairs: [string, string][] = IDS) => {
	const replacements = new Replacements();
	for (const [value, by] of pairs) replacements.set(value, by);
	return replacements.apply(text);
};

t.test("one pass: inserted values are not replaced again", async (t) => {
	t.equal(replaced("/items/100001"), "/items/100002");
	t.equal(replaced("100001,100002;100001"), "100002,100003;100002");
	const swapped = [
		["first-value", "other-value"],
		["other-value", "first-value"],
	] as [string, string][];
	t.equal(replaced("first-value other-value", swapped), "other-value first-value");
});

t.test("whole words only, and the longest first", async (t) => {
	for (const text of [
		"/orders/10000150",
		"x100001",
		"100001x",
		"a-100001",
		"100001_b",
		"é100001",
		"%C3%A9100001",
		"100001%61",
		"\\u00e9100001",
		"x%2Fid/old&12",
	])
		t.equal(replaced(text), text, text);
	t.equal(replaced("/orders/1000015"), "/orders/long");
	const nested = [
		["token-1", "short"],
		["token-1.token-2", "long"],
	] as [string, string][];
	t.equal(replaced("token-1.token-2 token-1", nested), "long short");
	t.equal(replaced("token-1.token-2 token-1", nested.reverse()), "long short", "in any order of learning");
});

t.test("in URLs, JSON, forms, headers", async (t) => {
	t.equal(
		replaced("/items/100001.json?id=100001&next=%2Fitems%2F100001#100001"),
		"/items/100002.json?id=100002&next=%2Fitems%2F100002#100002",
	);
	t.equal(
		replaced('{"id":"100001","n":100001,"text":"a\\n100001\\u003d100001\\u201d"}'),
		'{"id":"100002","n":100002,"text":"a\\n100002\\u003d100002\\u201d"}',
	);
	t.equal(replaced("a+100001=100001"), "a+100002=100002");
	t.equal(replaced("Bearer 100001"), "Bearer 100002");
	t.equal(replaced('W/"etag-1", "etag-1"'), 'W/"etag-2", "etag-2"');
	t.equal(replaced("/id%2Fold%261/id/old&1"), "/id%2Fnew%261/id/new&1");
});

t.test("a value can be replaced and deleted", async (t) => {
	const replacements = new Replacements();
	replacements.set("value-1", "value-2");
	replacements.set("value-1", "$& value-3");
	replacements.set("value-10", "other");
	t.equal(replacements.apply("value-1 value-10"), "$& value-3 other");
	replacements.delete("value-10");
	t.equal(replacements.apply("value-1 value-10"), "$& value-3 value-10");
	replacements.delete("value-1");
	replacements.delete("never there");
	t.equal(replacements.apply("value-1"), "value-1");
});

t.test("bytes and non-ASCII values", async (t) => {
	t.equal(replaced("q=caf%C3%A9-1", [["café-1", "thé-22"]]), "q=th%C3%A9-22");
	t.equal(replaced("\ud800-lone", [["\ud800-lone", "\ud800-other"]]), "\ud800-lone", "not a byte string");
});
