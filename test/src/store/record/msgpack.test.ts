// Values are restored; records of other programs are checked.
import t from "tap";
import { Float, type MetaValue } from "../../../../src/flow/metadata.ts";
import { fromMeta, pack, tailOf, toMeta, unpackRecord, withTail } from "../../../../src/store/record/msgpack.ts";

const again = (value: MetaValue) => toMeta(unpackRecord(pack([fromMeta(value)]))[0]);

t.test("metadata of every kind", async (t) => {
	const values: MetaValue[] = [
		null,
		true,
		false,
		0,
		-1,
		1.5,
		Number.MAX_SAFE_INTEGER,
		"",
		"text \ud83c\udf47",
		new Float(2),
		new Float(Number.NaN),
		new Float(-0),
		2n ** 53n,
		-(2n ** 62n),
		2n ** 63n,
		2n ** 64n,
		-(2n ** 200n),
		[],
		[[1], [null]],
	];
	for (const value of values) t.same(again(value), value);
	t.ok(again(new Float(2)) instanceof Float);
	t.equal((again(new Float(-0)) as Float).value === 0, true);
	t.same([...(again(Buffer.of(0, 255)) as Uint8Array)], [0, 255]);
	const dictionary = again({ a: { $deep: [1] }, __proto__x: 1, "": null }) as { [key: string]: MetaValue };
	t.same({ ...dictionary }, { a: { $deep: [1] }, __proto__x: 1, "": null });
	t.equal(Object.getPrototypeOf(dictionary), null);
	const own = again(Object.fromEntries([["__proto__", 7]])) as object;
	t.same(Object.entries(own), [["__proto__", 7]], "names of inherited properties are ordinary names");
});

t.test("invalid records, and values that metadata cannot have", async (t) => {
	const bad = { code: "FT_CORRUPT_FLOW" };
	t.throws(() => unpackRecord(Buffer.alloc(0)), bad);
	t.throws(() => unpackRecord(Buffer.of(0xc1)), bad);
	t.throws(() => unpackRecord(Buffer.of(0x05)), bad, "a number is not a list");
	t.throws(
		() => unpackRecord(Buffer.of(0xdd, 0xff, 0xff, 0xff, 0xff)),
		bad,
		"a list of four thousand million, and nothing behind it",
	);
	t.throws(() => unpackRecord(Buffer.alloc(200_000, 0x91)), bad, "too deep");
	const digits = Buffer.from("9".repeat(50_000));
	const long = Buffer.concat([Buffer.of(0x91, 0xc9, 0, 0, 0xc3, 0x53, 2, 0xda, 0xc3, 0x50), digits]);
	t.throws(() => unpackRecord(long), bad, "an integer with too many digits");
	// a date, a record structure, a regular expression
	for (const bytes of [
		[0x91, 0xd6, 0xff, 0, 0, 0, 1],
		[0x91, 0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01],
	]) {
		t.throws(() => toMeta(unpackRecord(Buffer.from(bytes))[0]), bad, Buffer.from(bytes).toString("hex"));
	}
});

t.test("fields after the known ones", async (t) => {
	t.equal(withTail([1, 2], 2), undefined);
	t.same(withTail([1, 2, "new"], 2), { tail: ["new"] });
	t.same(tailOf({ tail: ["new"] }), ["new"]);
	t.same([tailOf(undefined), tailOf({}), tailOf({ tail: "text" })], [[], [], []]);
});
