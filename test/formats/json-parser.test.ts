// Parses JSON in pieces with the result of JSON.parse, and rejects values that need too much memory.
import fc from "fast-check";
import t from "tap";
import type { Json } from "../../formats/fields.ts";
import { type PlaceOf, TEXT_LIMIT } from "../../formats/json-cost.ts";
import { JsonParser } from "../../formats/json-parser.ts";
import { LongString } from "../../formats/long-string.ts";

const nowhere: PlaceOf = () => null;

function parsed(text: string | Buffer, pieceBytes = 7, placeOf = nowhere): Json | undefined {
	const json = new JsonParser(placeOf);
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at += pieceBytes) json.push(bytes.subarray(at, at + pieceBytes));
	return json.end();
}

t.test("as JSON.parse, in pieces of any size", async (t) => {
	fc.assert(
		fc.property(fc.json(), fc.integer({ min: 1, max: 20 }), (text, size) => {
			t.strictSame(parsed(text, size), JSON.parse(text));
		}),
	);
	const text =
		' {"a" : [1, -2.5e3, true ,null,[],{}, ""],\n"\\u00e9\\ud83c\\udf47\\"\\\\": {"__proto__": "é漢🍇\\\\"}, "x":false}\r\n';
	for (let size = 1; size < 40; size++) t.strictSame(parsed(text, size), JSON.parse(text), `pieces of ${size}`);
	for (const scalar of ["1", '"a"', "true", " null "]) t.strictSame(parsed(scalar), JSON.parse(scalar));
	t.equal(parsed(" \n "), undefined);
});

t.test("texts that JSON.parse rejects", async (t) => {
	const texts = [
		...[
			"{",
			"[1",
			'"a',
			'{"a"',
			'{"a":',
			"[1,]",
			'{"a":1,}',
			"{,}",
			"[,1]",
			'{"a" 1}',
			"{1:2}",
			"[1 2]",
			"1 2",
			"[}",
			"{]",
		],
		...["[1}", '{"a":1]', "tru", "[01]", "+1", '["a" "b"]', '"\n"', '"\\x"', "[1[]]", "1:2", "]", ",", "'a'", '[1"a"]'],
		Buffer.from([0x22, 0xff, 0x22]),
	];
	for (const text of texts)
		for (const size of [1, 100])
			t.throws(() => parsed(text, size), { code: "FT_CORRUPT_FLOW" }, `${JSON.stringify(String(text))} by ${size}`);
});

t.test("long strings: bodies and messages as LongStrings, others as strings", async (t) => {
	const text = `x"\\\n\u2028é漢🍇\ud83c\udf47`.repeat(200_000);
	const placeOf: PlaceOf = ([key]) => (key === "body" || key === "message" ? key : null);
	for (const json of [
		JSON.stringify({ body: text, message: text, other: text }),
		JSON.stringify({ body: text, message: text, other: text }).replace(
			/[\u0080-\uffff]/g,
			(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
		),
	])
		for (const size of [65_536, 99_991]) {
			const { body, message, other } = parsed(json, size, placeOf) as Record<string, unknown>;
			t.ok(other === text);
			for (const long of [body, message]) {
				t.ok(long instanceof LongString);
				t.ok((long as LongString).read().equals(Buffer.from(text)));
			}
		}
	const halves = "\ud800\n\udc80".repeat(200_000);
	t.ok((parsed(JSON.stringify([halves]), 65_536) as Json[])[0] === halves, "lone surrogates are kept");
	const base64 = Buffer.from(text).toString("base64").replace(/.{76}/g, "$&\\r\\n");
	const { body } = parsed(`{"body":"${base64}"}`, 65_536, placeOf) as { body: unknown };
	const bytes = (body as LongString).fromBase64();
	t.ok((Buffer.isBuffer(bytes) ? bytes : bytes?.read())?.equals(Buffer.from(text)));
});

t.test("too deep, too many, too long", async (t) => {
	t.throws(() => parsed("[".repeat(501)), /nested deeper than 500/);
	t.throws(() => parsed(`[${"{},".repeat(3_000_000)}{}]`, 65_536), /values need too much memory: more than 160 MiB/);
	const keys = Array.from({ length: 700_000 }, (_, i) => `"${i}":1`).join();
	t.throws(() => parsed(`{${keys}}`, 65_536), /values need too much memory: more than 160 MiB/);
	t.throws(() => parsed(`["${"x".repeat(TEXT_LIMIT + 1)}"]`, 65_536), /a string other than a body is longer/);
	t.throws(() => parsed(`{"${"x".repeat(2_000_000)}":1}`, 65_536), /a key is longer/);
});
