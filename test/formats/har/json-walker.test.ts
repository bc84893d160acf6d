// Walks through the outer structure of JSON; values are returned as bytes or skipped.
import t from "tap";
import { bytesInput } from "../../../fixtures/bytes-input.ts";
import { BRACE, BRACKET, Damage, JsonWalker } from "../../../formats/har/json-walker.ts";

const walk = (text: string, pieceBytes?: number) =>
	new JsonWalker(bytesInput(Buffer.from(text), pieceBytes).chunks({ reuse: true }));

t.test("objects, lists and values", async (t) => {
	for (const size of [1, 5, 1000]) {
		const json = walk('{"a": [1, {"b": 2}], "long": "0123456789", "c\\u0021": true}  ', size);
		await json.open(BRACE, "an object");
		t.equal(await json.key(), "a");
		await json.open(BRACKET, "a list");
		t.equal(await json.item(), true);
		t.equal(String(await json.value(10)), "1");
		t.equal(await json.item(), true);
		t.equal(String(await json.value(10)), '{"b": 2}');
		t.equal(await json.item(), false);
		t.equal(await json.key(), "long");
		t.equal(await json.value(5), null, "longer than it may be");
		t.equal(await json.key(), "c!");
		t.equal(String(await json.value(10)), "true");
		t.equal(await json.key(), null);
		t.equal(await json.next(), -1);
		t.equal(json.offset, 61);
	}
});

t.test("syntax errors with their offset", async (t) => {
	for (const [text, why, offset] of [
		["[", /expected an object, found "\["/, 0],
		['{"a":', /expected a value, found the end of the file/, 5],
		['{"a":"x', /the file ends within the entry/, 5],
		['{"a"', /expected a colon after the key, found the end of the file/, 4],
		["{5", /expected a key in quotes, found "5"/, 1],
		['{"a":1 "b":2}', /expected a comma/, 7],
	] as const) {
		const json = walk(text);
		const through = async () => {
			await json.open(BRACE, "an object");
			while ((await json.key()) !== null) await json.value(100);
		};
		const error = await through().then(
			() => null,
			(thrown) => thrown,
		);
		t.ok(error instanceof Damage, text);
		t.match(error, { offset });
		t.match(error.message, why);
	}
	const odd = walk(`{"${"k".repeat(5000)}": 1, "\\x": 2}`);
	await odd.open(BRACE, "an object");
	t.equal(await odd.key(), "", "a key that is longer than any that matters");
	await odd.value(10);
	t.equal(await odd.key(), "", "and one that is no JSON");
});

t.test("the next entry after damage, if entries are on separate lines", async (t) => {
	const json = walk('[\n {"id":1,"x":"never,\n {"id":2}\n]');
	await json.open(BRACKET, "a list");
	await json.item();
	json.record = 1;
	await t.rejects(json.value(100), /found the next entry/);
	t.equal(await json.seekEntry(), true);
	t.equal(await json.item(), true);
	t.equal(String(await json.value(100)), '{"id":2}');
	t.equal(await json.seekEntry(), false);
	const flat = walk('[{"id":1},{"id":2}]');
	await flat.open(BRACKET, "a list");
	await flat.item();
	flat.record = 1;
	await flat.value(100);
	t.equal(await flat.seekEntry(), false, "on one line nothing shows where they begin");
});
