// Splits chunks of any size into records, and finds the next record after damage.
import fc from "fast-check";
import t from "tap";
import { dumpOf, minimalRecord } from "../../../fixtures/dump-records.ts";
import { DumpRecord } from "../../../formats/mitm/record.ts";
import { type Damage, RecordScanner } from "../../../formats/mitm/scanner.ts";
import { FlowtapeError } from "../../../src/errors.ts";
import type { MetaValue } from "../../../src/flow/metadata.ts";

/** The ids and offsets of the records, and the damage. */
function scan(bytes: Buffer, { cut = bytes.length, size = bytes.length as number | null } = {}) {
	const ids: string[] = [];
	const places: number[] = [];
	const damages: Damage[] = [];
	const scanner = new RecordScanner(size, {
		record(buffer, start, end, offset) {
			ids.push(new DumpRecord(buffer, start, end).flow().id);
			places.push(offset);
		},
		damaged: (damage) => damages.push(damage),
	});
	for (let at = 0; at < bytes.length; at += cut) scanner.push(bytes.subarray(at, at + cut));
	scanner.end();
	return { ids, places, damages };
}

const record = (id: string, changes: { [key: string]: MetaValue } = {}) => dumpOf(minimalRecord({ id, ...changes }));
const [one, two, three] = [record("one"), record("two", { comment: "x".repeat(300) }), record("three")];
const all = Buffer.concat([one, two, three]);

t.test("any split gives the same records", async (t) => {
	for (let cut = 1; cut <= all.length; cut++)
		for (const size of [all.length, null])
			t.same(
				scan(all, { cut, size }),
				{ ids: ["one", "two", "three"], places: [0, one.length, one.length + two.length], damages: [] },
				`cuts of ${cut}`,
			);
});

t.test("chunks may be reused", async (t) => {
	const ids: string[] = [];
	const scanner = new RecordScanner(all.length, {
		record: (buffer, start, end) => ids.push(new DumpRecord(buffer, start, end).id),
		damaged: () => t.fail(),
	});
	const chunk = Buffer.alloc(100);
	for (let at = 0; at < all.length; at += chunk.length) {
		const size = all.copy(chunk, 0, at);
		scanner.push(chunk.subarray(0, size));
	}
	scanner.end();
	t.same(ids, ["one", "two", "three"]);
});

t.test("a dump that is cut off at any byte gives the records before the cut and its offset", async (t) => {
	for (let end = 1; end < all.length; end++) {
		const { ids, damages } = scan(all.subarray(0, end));
		const whole = [one.length, one.length + two.length].filter((place) => place <= end);
		t.same(ids, ["one", "two"].slice(0, whole.length));
		const start = whole.at(-1) ?? 0;
		if (end === start) t.same(damages, []);
		else t.match(damages, [{ code: "FT_CORRUPT_FLOW", offset: start, record: whole.length + 1 }], `${end} bytes`);
	}
});

t.test("after damage, the next record is found", async (t) => {
	const half = two.subarray(0, two.length >> 1);
	for (const [name, bytes, ids, offset] of [
		[
			"garbage between",
			[one, Buffer.from("garbage: 5:abc, and 12:x"), two, three],
			["one", "two", "three"],
			one.length,
		],
		["zeros between", [one, Buffer.alloc(10_000), three], ["one", "three"], one.length],
		["half a record", [one, half, three], ["one", "three"], one.length],
		["half a record that ends in digits", [one, half, Buffer.from("17"), three], ["one", "three"], one.length],
		["two halves", [half, half, three], ["three"], 0],
		["a length that is too long", [one, Buffer.from("9"), two, three], ["one", "two", "three"], one.length],
		[
			"a length that is too short",
			[one, Buffer.concat([Buffer.from("5"), two.subarray(3)]), three],
			["one", "three"],
			one.length,
		],
		["garbage at the end", [one, Buffer.from("\n")], ["one"], one.length],
		["garbage at the start", [Buffer.from("garbage"), one], ["one"], 0],
	] as const) {
		const joined = Buffer.concat(bytes);
		for (const cut of [joined.length, 64, 7]) {
			const found = scan(joined, { cut });
			t.same(found.ids, ids, `${name}, cuts of ${cut}`);
			t.match(found.damages, [{ code: "FT_CORRUPT_FLOW" }], name);
			t.ok((found.damages[0]?.offset ?? -1) >= offset, name);
		}
	}
});

t.test("each damaged record is reported, and the others are read", async (t) => {
	const wrong = record("wrong", { type: 5 });
	const newer = record("newer", { version: 21, error: 5 });
	const { ids, damages } = scan(Buffer.concat([one, wrong, newer, two, Buffer.from("3:abc;"), three, wrong]));
	t.same(ids, ["one", "two", "three"]);
	t.same(
		damages.map((damage) => damage.record),
		[2, 3, 5, 7],
	);
	t.match(damages[0], { what: /"type": expected .*, found the number 5/ });
	t.match(damages[2], { what: /a dictionary/ });
});

t.test("records within a record are not records", async (t) => {
	const inner = minimalRecord({ id: "inner" });
	const outer = record("outer", { backup: inner, comment: "y" });
	const broken = Buffer.from(outer.latin1Slice().replace("7:comment;1:y;", "7:comment;1x:;"), "latin1");
	t.same(scan(Buffer.concat([broken, Buffer.from("!"), three])).ids, ["three"]);
});

t.test("malicious lengths", async (t) => {
	for (const text of [
		"999999999999:",
		"9999999999999:x,",
		`${"9".repeat(100_000)}:x,`,
		"2147483647:abc}",
		"4294967296:abc}",
		"-5:abc,",
		"+3:abc,",
		" 3:abc,",
		":abc,",
		"12345",
		":",
	]) {
		const bytes = Buffer.concat([one, Buffer.from(text)]);
		for (const size of [bytes.length, null]) {
			const { ids, damages } = scan(bytes, { size });
			t.same(ids, ["one"], text.slice(0, 20));
			t.match(damages, [{ record: 2 }], text.slice(0, 20));
			t.ok((damages[0]?.offset ?? 0) >= one.length, text.slice(0, 20));
		}
		t.same(scan(Buffer.concat([one, Buffer.from(text), two])).ids, ["one", "two"], text.slice(0, 20));
	}
});

t.test("a large length without the bytes is detected early", async (t) => {
	const ids: string[] = [];
	const damages: Damage[] = [];
	const scanner = new RecordScanner(null, {
		record: (buffer, start, end) => ids.push(new DumpRecord(buffer, start, end).id),
		damaged: (damage) => damages.push(damage),
	});
	scanner.push(Buffer.from("2000000000:9:websocket;0:~4:type;4:http;"));
	// one record is taken for a field, but where that ends there is no other
	for (let n = 0; n < 3; n++) scanner.push(Buffer.concat([three, Buffer.from("}")]));
	t.same(ids, ["three", "three", "three"]);
	t.match(damages[0], { record: 1, what: /2000000000 bytes is inconsistent/ });
});

t.test("a record larger than any chunk", async (t) => {
	const large = record("large", {
		metadata: {
			text: "x".repeat(3_000_000),
			...Object.fromEntries(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, n])),
		},
	});
	const bytes = Buffer.concat([one, large, two]);
	for (const cut of [1000, 65_536])
		t.same(scan(bytes, { cut, size: null }), {
			ids: ["one", "large", "two"],
			places: [0, one.length, one.length + large.length],
			damages: [],
		});
});

t.test("other errors are not damage", async (t) => {
	const scanner = new RecordScanner(null, {
		record: () => {
			throw new FlowtapeError("FT_STORE", "elsewhere");
		},
		damaged: () => {},
	});
	t.throws(() => scanner.push(one), { code: "FT_STORE" });
});

t.test("ends on random bytes, and finds valid records", async () => {
	const piece = fc.oneof(
		fc.constantFrom("one", "two", "three"),
		fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
		fc.stringMatching(/^[0-9:,;}\]~#]{0,30}$/).map((text) => Buffer.from(text)),
		fc.nat(two.length - 1).map((end) => two.subarray(0, end)),
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 8 }), fc.integer({ min: 5, max: 900 }), (pieces, cut) => {
			const whole = new Map([
				["one", one],
				["two", two],
				["three", three],
			]);
			const bytes = Buffer.concat(
				pieces.map((each) => (typeof each === "string" ? (whole.get(each) as Buffer) : each)),
			);
			const { ids } = scan(bytes, { cut });
			const wanted = pieces.filter((each) => typeof each === "string");
			// garbage may happen to eat a record, never to make one
			return ids.length <= wanted.length && ids.length >= wanted.length / 2 - 1;
		}),
		{ seed: 17, numRuns: 500 },
	);
});
