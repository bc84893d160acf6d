// Searching many patterns at once finds what searching each of them finds.
import fc from "fast-check";
import t from "tap";
import { Automaton } from "../../../src/redact/automaton.ts";

function found(automaton: Automaton, bytes: Uint8Array, from = 0, to = bytes.length): [number, number][] {
	const matches: [number, number][] = [];
	automaton.scan(bytes, from, to, (index, end) => {
		matches.push([index, end]);
		return false;
	});
	return matches;
}

t.test("patterns that are parts of one another are all reported, the longest first", (t) => {
	const automaton = new Automaton(["he", "she", "his", "hers", "s"]);
	t.same(found(automaton, Buffer.from("ushers")), [
		[4, 2],
		[1, 4],
		[0, 4],
		[3, 6],
		[4, 6],
	]);
	t.end();
});

t.test("finds what Buffer.indexOf finds", (t) => {
	const texts = (max: number) => fc.string({ unit: fc.constantFrom("a", "b", "A", "é"), minLength: 1, maxLength: max });
	fc.assert(
		fc.property(fc.uniqueArray(texts(4), { maxLength: 6 }), texts(60), fc.boolean(), (patterns, text, ignoreCase) => {
			const folded = (value: string) => (ignoreCase ? value.replaceAll("A", "a") : value);
			const expected: string[] = [];
			for (const [index, pattern] of patterns.entries()) {
				const [bytes, part] = [Buffer.from(folded(text)), Buffer.from(folded(pattern))];
				for (let at = bytes.indexOf(part); at >= 0; at = bytes.indexOf(part, at + 1))
					expected.push(`${index} ${at + part.length}`);
			}
			const matches = found(new Automaton(patterns, { ignoreCase }), Buffer.from(text));
			t.same(matches.map((match) => match.join(" ")).sort(), expected.sort());
			t.same(
				matches,
				matches.toSorted((a, b) => a[1] - b[1]),
			);
		}),
		{ seed: 3, numRuns: 300 },
	);
	t.end();
});

t.test("the range and the bytes of patterns count", (t) => {
	const automaton = new Automaton([Uint8Array.of(0, 255), "é"]);
	const bytes = Buffer.from([0, 255, 0xc3, 0xa9, 0, 255]);
	t.same(found(automaton, bytes), [
		[0, 2],
		[1, 4],
		[0, 6],
	]);
	t.same(found(automaton, bytes, 1, 5), [[1, 4]]);
	t.end();
});

t.test("true stops the scan", (t) => {
	let count = 0;
	new Automaton(["a"]).scan(Buffer.from("aaaa"), 0, 4, () => ++count === 2);
	t.equal(count, 2);
	t.end();
});

t.test("no patterns find nothing, an empty one is an error", (t) => {
	t.same(found(new Automaton([]), Buffer.from("abc")), []);
	t.throws(() => new Automaton(["a", ""]), RangeError);
	t.end();
});

t.test("whether any pattern occurs in a text", async (t) => {
	const automaton = new Automaton(["Token", "ab\u00e9"], { ignoreCase: true });
	for (const [text, occurs] of [
		["", false],
		["a tOkEn.", true],
		["toke", false],
		["tokeab\u00c3\u00a9", true],
	] as const)
		t.equal(automaton.occursIn(text), occurs, text);
});
