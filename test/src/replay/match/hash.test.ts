// The hash of request keys. Tapes contain it, so it must never change.
import fc from "fast-check";
import t from "tap";
import { hash64 } from "../../../../src/replay/match/hash.ts";

t.test("16 digits, the same on every machine and in every version", async (t) => {
	// values from existing tapes, which never change
	t.equal(hash64(""), "0ca8e8731704f22a");
	t.equal(hash64("GET\nhttp\nexample.com\n80\n/"), "87bbc54cd31500b5");
	t.equal(hash64("\xff\0\xe9"), "2c76848c025f9bc3");
	t.equal(hash64("x".repeat(10_000)), "4e4739ad883b8bdd");
});

t.test("different values have different hashes", async (t) => {
	const seen = new Map<string, string>();
	const add = (text: string) => {
		const hash = hash64(text);
		t.match(hash, /^[0-9a-f]{16}$/, { diagnostic: false });
		const other = seen.get(hash);
		if (other !== undefined && other !== text)
			t.fail(`${JSON.stringify(text)} and ${JSON.stringify(other)} have the same`);
		seen.set(hash, text);
	};
	for (let length = 0; length < 40; length++) for (const char of ["\0", "a", "\xff"]) add(char.repeat(length));
	for (let i = 0; i < 50_000; i++) seen.set(hash64(`GET\nhttps\nexample.com\n443\n/items/${i}`), `${i}`);
	t.equal(seen.size, 50_000 + 39 * 3 + 1);
	const bits = [...seen.keys()].map((hash) => Number.parseInt(hash.slice(0, 2), 16));
	const counts = new Array<number>(256).fill(0);
	for (const byte of bits) counts[byte] = (counts[byte] ?? 0) + 1;
	t.ok(Math.max(...counts) < 300 && Math.min(...counts) > 120, "evenly spread");
});

t.test("every bit affects the hash", async () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), fc.nat(), (bytes, n) => {
			const changed = Uint8Array.from(bytes);
			const at = n % bytes.length;
			changed[at] = (changed[at] ?? 0) ^ (1 << (n % 8));
			return hash64(Buffer.from(bytes).latin1Slice()) !== hash64(Buffer.from(changed).latin1Slice());
		}),
		{ seed: 7, numRuns: 2000 },
	);
});
