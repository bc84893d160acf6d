// Converts bytes, numbers and notes to JSON and back.
import fc from "fast-check";
import t from "tap";
import type { Json } from "../../formats/fields.ts";
import {
	fromByteString,
	fromBytes,
	fromMeta,
	fromNumber,
	toBytes,
	toBytesOfString,
	toMeta,
	toNumber,
} from "../../formats/json-values.ts";
import { Float, type MetaValue } from "../../src/flow/metadata.ts";

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

t.test("bytes: a string if they are UTF-8, otherwise base64", async (t) => {
	t.equal(fromBytes(Buffer.from("grüß")), "grüß");
	t.same(fromBytes(Buffer.of(0xff, 0)), { $base64: "/wA=" });
	t.same(fromByteString("caf\xe9"), { $base64: "Y2Fm6Q==" });
	t.equal(fromByteString("caf\xc3\xa9"), "café");
	t.equal(toBytes(5), undefined);
	for (const text of ["YQ==YWJj", "YWJj*YWJj", "é", "!!!", "Y", "YWJjY", "YQ==="]) {
		t.equal(toBytes({ $base64: text }), undefined, text);
		t.same({ ...(toMeta({ $base64: text }) as object) }, { $base64: text });
	}
	for (const text of ["", "YQ==", "YQ", "Y Q=\n=", "-_-_", "+/+/"]) t.ok(toBytes({ $base64: text }), text);
	t.equal(toBytesOfString({ $base64: 1 }), undefined);
	fc.assert(
		fc.property(fc.uint8Array(), (bytes) => {
			const text = Buffer.from(bytes).latin1Slice();
			return (
				Buffer.compare(toBytes(throughJson(fromBytes(bytes))) ?? Buffer.of(1), bytes) === 0 &&
				toBytesOfString(throughJson(fromByteString(text))) === text
			);
		}),
		{ seed: 1 },
	);
});

t.test("numbers", async (t) => {
	for (const number of [0, 1.5, -3e300, Number.POSITIVE_INFINITY, Number.NaN])
		t.ok(Object.is(toNumber(throughJson(fromNumber(number))), number));
	t.equal(toNumber("1"), undefined);
});

t.test("notes keep their types", async (t) => {
	const notes: MetaValue = {
		none: null,
		yes: true,
		whole: 5,
		half: 0.5,
		float: new Float(1),
		big: 2n ** 90n,
		text: "x",
		bytes: Buffer.of(1, 200),
		list: [1, [2n], { deep: "er" }],
		dollar: { $base64: "theirs", other: 1 },
		nan: Number.NaN,
	};
	const back = toMeta(throughJson(fromMeta(notes)));
	t.strictSame(JSON.stringify(fromMeta(back)), JSON.stringify(fromMeta(notes)));
	t.match(back, { float: new Float(1), big: 2n ** 90n, dollar: { $base64: "theirs" }, nan: Number.NaN });
});

t.test("objects with a key that begins with $ but not the value that fromMeta writes are dictionaries", async (t) => {
	for (const dictionary of [
		{ $dict: [1, [2]] },
		{ $dict: [["a"], ["b", 1]] },
		{ $dict: [[1, 2]] },
		{ $dict: [], x: 1 },
		{ $int: "5", x: 1 },
		{ $float: "1.5", x: 1 },
		{ $float: "half" },
		{ $float: "" },
		{ $base64: "AAE=", x: 1 },
	] as Json[]) {
		const read = toMeta(dictionary);
		t.strictSame({ ...(read as object) }, dictionary);
		t.strictSame(toMeta(throughJson(fromMeta(read))), read);
	}
	for (const float of ["half", "", " "]) t.equal(toNumber({ $float: float }), undefined);
});
