// Typed netstrings: what is written is read; what is damaged is said with its place.
import fc from "fast-check";
import t from "tap";
import { Reader, TAG, type Value, Writer } from "../../../formats/mitm/tnetstring.ts";
import { Float } from "../../../src/flow/metadata.ts";

function read(text: string | Buffer): Value {
	const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, "latin1");
	return new Reader(bytes).value(bytes.length);
}

function write(value: Value): Buffer {
	const writer = new Writer();
	put(writer, value);
	return writer.take();
}

/** The writer works backwards: last item first. */
function put(writer: Writer, value: Value): void {
	if (value === null) writer.null();
	else if (typeof value === "boolean") writer.boolean(value);
	else if (typeof value === "bigint") writer.integer(value);
	else if (typeof value === "number") Number.isInteger(value) ? writer.integer(value) : writer.float(value);
	else if (value instanceof Float) writer.float(value.value);
	else if (typeof value === "string") writer.text(value);
	else if (Buffer.isBuffer(value)) writer.bytes(value);
	else if (Array.isArray(value)) {
		const begun = writer.begin(TAG.list);
		for (const item of value.toReversed()) put(writer, item);
		writer.end(begun);
	} else {
		const begun = writer.begin(TAG.dictionary);
		for (const [key, item] of Object.entries(value).toReversed()) {
			put(writer, item);
			writer.text(key);
		}
		writer.end(begun);
	}
}

t.test("each type", async (t) => {
	t.equal(read("0:~"), null);
	t.equal(read("4:true!"), true);
	t.equal(read("5:false!"), false);
	t.equal(read("2:-5#"), -5);
	t.equal(read("21:123456789012345678901#"), 123456789012345678901n);
	t.equal(read("3:1.5^"), 1.5);
	t.match(read("3:2.0^"), new Float(2));
	t.equal(read("3:caf;"), "caf");
	t.same(read("3:\0\xff1,"), Buffer.from("\0\xff1", "latin1"));
	t.same(read("8:1:a;1:1#]"), ["a", 1]);
	t.same({ ...(read("8:1:a;1:1#}") as object) }, { a: 1 });
});

t.test("what is written is read again", async () => {
	const value: fc.Arbitrary<Value> = fc.letrec((tie) => ({
		value: fc.oneof(
			{ maxDepth: 4 },
			fc.constant(null),
			fc.boolean(),
			fc.integer(),
			fc.bigInt({ min: 2n ** 60n, max: 2n ** 90n }),
			fc.double({ noNaN: true, noDefaultInfinity: true }).filter((n) => !Number.isInteger(n)),
			fc.string({ unit: "grapheme" }),
			fc.uint8Array().map((bytes) => Buffer.from(bytes)),
			fc.array(tie("value"), { maxLength: 4 }),
			fc.dictionary(fc.string(), tie("value"), { maxKeys: 4, noNullPrototype: true }),
		),
	})).value as fc.Arbitrary<Value>;
	fc.assert(
		fc.property(value, (sample) => write(read(write(sample))).equals(write(sample))),
		{ seed: 3, numRuns: 200 },
	);
});

t.test("damage", async (t) => {
	for (const text of [
		"",
		"x",
		"5",
		"5:abc",
		"5:abc;;",
		"3:abc?",
		"3:yes!",
		"2:ab#",
		"2:ab^",
		"1:x~",
		"3:1:a]",
		"3:1:a}",
		"3:0:~}",
		"99999999999999:x;",
		"-1:x;",
		"6:3:true!]",
		"4:1:a;}",
	]) {
		t.throws(() => read(text), { code: "FT_CORRUPT_FLOW" }, JSON.stringify(text));
	}
	let nested = "0:]";
	for (let i = 0; i < 300; i++) nested = `${nested.length}:${nested}]`;
	t.throws(() => read(nested), { code: "FT_CORRUPT_FLOW", message: /nested|deep/ });
});

t.test("whatever the bytes, only errors of ours", async () => {
	const good = write({ a: [1, "x", Buffer.of(1, 2), null, true, 2.5], b: { c: "d" } });
	fc.assert(
		fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
			const bytes = Buffer.from(good);
			bytes[at] = byte;
			try {
				read(bytes);
				return true;
			} catch (error) {
				return (error as { code?: string }).code === "FT_CORRUPT_FLOW";
			}
		}),
		{ seed: 5, numRuns: 500 },
	);
});

t.test("skipping checks, and moves on", async (t) => {
	const bytes = Buffer.from("8:1:a;1:1#}3:abc;");
	const reader = new Reader(bytes);
	reader.skip(bytes.length);
	t.equal(reader.value(bytes.length), "abc");
	t.throws(() => new Reader(Buffer.from("9:1:a;1:1#}")).skip(11), { code: "FT_CORRUPT_FLOW" });
});
