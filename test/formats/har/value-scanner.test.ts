// Finds the end of a JSON value for any split of its bytes.
import fc from "fast-check";
import t from "tap";
import { ValueScanner } from "../../../formats/har/value-scanner.ts";

/** The end of the value at the start of `bytes`, found in pieces. */
function endOf(bytes: Buffer, pieces: readonly number[] = [bytes.length]): { end: number; deepest: number } {
	const scanner = new ValueScanner();
	let at = 0;
	for (let i = 0; at < bytes.length; i++) {
		// a separate chunk for each piece, so that the scanner sees nothing else
		const piece = bytes.subarray(at, at + Math.max(pieces[i % pieces.length] ?? 1, 1));
		const end = scanner.scan(piece, 0, piece.length);
		if (end !== -1) return { end: at + end, deepest: scanner.deepest };
		at += piece.length;
	}
	return { end: -1, deepest: scanner.deepest };
}

t.test("values of every type, and the bytes after them", async (t) => {
	for (const value of [
		'{"a":[1,{"b":"}"}]}',
		"[]",
		'"a\\"]b\\\\"',
		"12.5e3",
		"true",
		"null",
		'""',
		`"${"x".repeat(300)}\\\\\\"${"y".repeat(300)}"`,
	]) {
		for (const behind of [",1]", "]", "}", " \n"])
			t.equal(endOf(Buffer.from(value + behind)).end, value.length, value.slice(0, 20));
	}
	t.equal(endOf(Buffer.from('{"a":"never')).end, -1);
	t.equal(endOf(Buffer.from("[[[[1]],2]]]")).deepest, 4);
});

t.test("any value in any pieces", async () => {
	const value = fc.jsonValue().filter((each) => typeof each === "object" && each !== null);
	fc.assert(
		fc.property(value, fc.array(fc.nat(9), { minLength: 1 }), fc.boolean(), (json, pieces, pretty) => {
			const bytes = Buffer.from(JSON.stringify(json, null, pretty ? 2 : 0));
			return endOf(Buffer.concat([bytes, Buffer.from(',{"a":1}')]), pieces).end === bytes.length;
		}),
		{ seed: 5, numRuns: 500 },
	);
	const text = fc
		.array(fc.constantFrom("\\", '"', "x".repeat(70), "é", "\n", "{"), { maxLength: 12 })
		.map((parts) => parts.join(""));
	fc.assert(
		fc.property(text, fc.array(fc.nat(90), { minLength: 1 }), (string, pieces) => {
			const bytes = Buffer.from(JSON.stringify([string]));
			return endOf(Buffer.concat([bytes, Buffer.from("]")]), pieces).end === bytes.length;
		}),
		{ seed: 6, numRuns: 500 },
	);
});
