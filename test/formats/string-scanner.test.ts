// Finds the end of a string for any split of its bytes.
import fc from "fast-check";
import t from "tap";
import { StringScanner } from "../../formats/string-scanner.ts";

/** The offset of the quote that ends a string without its opening quote, with the bytes in pieces; -1: none. */
function endOf(bytes: Buffer, pieces: readonly number[]): number {
	const scanner = new StringScanner();
	let at = 0;
	for (let i = 0; at < bytes.length; i++) {
		const to = Math.min(at + Math.max(pieces[i % pieces.length] ?? 1, 1), bytes.length);
		const end = scanner.scan(bytes, at, to);
		if (end !== -1) return end;
		at = to;
	}
	return -1;
}

t.test("escapes and quotes", async (t) => {
	for (const size of [1, 2, 100]) {
		for (const string of ["", "a", '\\"', "\\\\", '\\\\\\"', `${"x".repeat(100)}\\"${"y".repeat(100)}\\\\`])
			t.equal(endOf(Buffer.from(`${string}","next"`), [size]), string.length, `${string} in pieces of ${size}`);
		for (const string of ["", "a", '\\"', "\\"]) t.equal(endOf(Buffer.from(string), [size]), -1, string);
	}
});

t.test("any string", async () => {
	const text = fc
		.array(fc.constantFrom("\\", '"', "x".repeat(70), "é", "\n"), { maxLength: 12 })
		.map((parts) => parts.join(""));
	fc.assert(
		fc.property(text, fc.array(fc.nat(90), { minLength: 1 }), (string, pieces) => {
			const bytes = Buffer.from(JSON.stringify(string).slice(1));
			return endOf(Buffer.concat([bytes, Buffer.from('"')]), pieces) === bytes.length - 1;
		}),
		{ seed: 6, numRuns: 500 },
	);
});
