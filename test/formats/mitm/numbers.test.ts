// Parses numbers with Python's syntax, and rejects others.
import fc from "fast-check";
import t from "tap";
import { parseInteger, parseNumber } from "../../../formats/mitm/numbers.ts";

const integer = (text: string) => parseInteger(Buffer.from(text), 0, Buffer.byteLength(text));
const number = (text: string) => parseNumber(Buffer.from(text), 0, Buffer.byteLength(text));

t.test("integers", async (t) => {
	for (const [text, value] of [
		["0", 0],
		["-7", -7],
		["+5", 5],
		[" 5 ", 5],
		["007", 7],
		["1_000", 1000],
		["9007199254740991", 9007199254740991],
		["9007199254740993", 9007199254740993n],
		["+99999999999999999999", 99999999999999999999n],
	] as const)
		t.equal(integer(text), value, text);
	for (const text of ["", " ", "1.5", "0x1f", "1__0", "_1", "1_", "--1", "1e3", "9".repeat(4301)])
		t.equal(integer(text), null, text.slice(0, 10));
});

t.test("floats", async (t) => {
	for (const [text, value] of [
		["1.5", 1.5],
		[".5", 0.5],
		["1.", 1],
		["1", 1],
		["1e22", 1e22],
		["-1e-05", -1e-5],
		["1_0.5", 10.5],
		["1e400", Infinity],
		["inf", Infinity],
		["-Infinity", -Infinity],
		["1717203080.628513", 1717203080.628513],
		["0.1234567890123456", 0.1234567890123456],
	] as const)
		t.equal(number(text), value, text);
	t.ok(Number.isNaN(number("-nan")));
	for (const text of ["", ".", "1.2.3", "0x1p3", "e5", "1e", "infin", "1 2", "_1"]) t.equal(number(text), null, text);
});

t.test("every double round-trips", async () => {
	fc.assert(
		fc.property(fc.double({ noNaN: true }), (value) => {
			const text = Number.isFinite(value) ? String(value) : value > 0 ? "inf" : "-inf";
			return Object.is(number(text), value) || (value === 0 && number(text) === 0);
		}),
		{ seed: 4, numRuns: 2000 },
	);
	fc.assert(
		// times, with the digits that clocks give
		fc.property(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 999_999 }), (seconds, micros) => {
			const text = `${seconds}.${String(micros).padStart(6, "0")}`;
			return number(text) === Number(text);
		}),
		{ seed: 4, numRuns: 2000 },
	);
});
