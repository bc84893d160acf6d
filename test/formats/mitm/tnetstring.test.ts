// Reads typed netstrings; errors name the offset of damage.
import fc from "fast-check";
import t from "tap";
import { Reader, type Value } from "../../../formats/mitm/tnetstring.ts";
import { Writer } from "../../../formats/mitm/write-tnetstring.ts";
import { Float } from "../../../src/flow/metadata.ts";

function read(text: string | Buffer): Value {
	const bytes = Buffer.isBuffer(text) ? text : Buffer.from(text, "latin1");
	return new Reader(bytes).value(bytes.length);
}

function write(value: Value): Buffer {
	const writer = new Writer();
	writer.value(value);
	return writer.takeBytes();
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
	t.equal(read(Buffer.from("5:café;")), "café");
	t.same(read("3:\0\xff1,"), Buffer.from("\0\xff1", "latin1"));
	t.same(read("8:1:a;1:1#]"), ["a", 1]);
	t.same({ ...(read("8:1:a;1:1#}") as object) }, { a: 1 });
});

t.test("keys: text, bytes of Python 2, other scalars; the last of equal keys counts", async (t) => {
	t.same({ ...(read(Buffer.from("9:2:ü;1:1#}")) as object) }, { ü: 1 });
	t.same({ ...(read("8:1:a,1:1#}") as object) }, { a: 1 });
	t.same({ ...(read("8:1:7#1:1#}") as object) }, { 7: 1 });
	t.same({ ...(read("16:1:a;1:1#1:a;1:2#}") as object) }, { a: 2 });
	t.same(Object.keys(read("15:9:__proto__;0:~}") as object), ["__proto__"]);
});

t.test("round trip", async () => {
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
			fc.dictionary(fc.string({ unit: "grapheme" }), tie("value"), { maxKeys: 4, noNullPrototype: true }),
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
		"4:True!",
		"2:ab#",
		"3:1.5#",
		"2:ab^",
		"1:x~",
		"3:1:a]",
		"3:1:a}",
		"3:0:~}",
		"6:0:]0:~}",
		"99999999999999:x;",
		"-1:x;",
		" 1:x;",
		"6:3:true!]",
		"4:1:a;}",
		"3:1:a?1:1#}",
		"1:\xff;",
	]) {
		t.throws(() => read(text), { code: "FT_CORRUPT_FLOW" }, JSON.stringify(text));
	}
});

t.test("nesting is limited, also in skipped values", async (t) => {
	const nested = (levels: number): Buffer => {
		let text = "0:]";
		for (let i = 1; i < levels; i++) text = `${text.length}:${text}]`;
		return Buffer.from(text);
	};
	const skip = (bytes: Buffer) => new Reader(bytes).skip(bytes.length);
	t.doesNotThrow(() => read(nested(100)));
	t.doesNotThrow(() => skip(nested(100)));
	t.throws(() => read(nested(101)), { code: "FT_CORRUPT_FLOW", message: /nested deeper than 100/ });
	t.throws(() => skip(nested(101)), { code: "FT_CORRUPT_FLOW", message: /nested deeper than 100/ });
});

t.test("random bytes cause only FlowtapeErrors", async () => {
	const good = write({ a: [1, "x", Buffer.of(1, 2), null, true, 2.5], b: { c: "d" } });
	fc.assert(
		fc.property(fc.nat(good.length - 1), fc.nat(255), (at, byte) => {
			const bytes = Buffer.from(good);
			bytes[at] = byte;
			for (const use of [read, (all: Buffer) => new Reader(all).skip(all.length)]) {
				try {
					use(bytes);
				} catch (error) {
					if ((error as { code?: string }).code !== "FT_CORRUPT_FLOW") throw error;
				}
			}
		}),
		{ seed: 5, numRuns: 500 },
	);
});

t.test("skipped elements cannot fail when they are read later", async () => {
	const good = write({ a: [1, "x", Buffer.of(1, 2), null, true, 2.5, { k: 1e300 }], b: { c: "d" } });
	fc.assert(
		fc.property(fc.nat(good.length - 1), fc.integer({ min: 32, max: 126 }), (at, byte) => {
			const bytes = Buffer.from(good);
			bytes[at] = byte;
			try {
				new Reader(bytes).skip(bytes.length);
			} catch {
				return;
			}
			read(bytes);
		}),
		{ seed: 9, numRuns: 2000 },
	);
});

t.test("skipping", async (t) => {
	const bytes = Buffer.from("8:1:a;1:1#}3:abc;");
	const reader = new Reader(bytes);
	reader.skip(bytes.length);
	t.equal(reader.value(bytes.length), "abc");
});

t.test("a field is found by its name", async (t) => {
	const bytes = Buffer.from("17:2:aa;1:1#1:b;1:2#}");
	const reader = new Reader(bytes);
	reader.open(bytes.length);
	const { start, stop } = reader;
	reader.position = start;
	t.ok(reader.find("b", stop));
	t.equal(reader.number(), 2);
	reader.position = start;
	t.notOk(reader.find("a", stop));
});

t.test("similar strings are distinguished", async (t) => {
	// more than the cache of strings holds, many of one length and with equal ends
	const words = Array.from({ length: 20_000 }, (_, n) => `a${String(n * 7919).padStart(9, "0")}z`);
	t.same(
		read(write(words.map((word) => Buffer.from(word)))),
		words.map((word) => Buffer.from(word)),
	);
	const keyed = Object.fromEntries(words.map((word) => [word, 1]));
	t.same(Object.keys(read(write(keyed)) as object), words);
});
