import t from "tap";
import { RandomTokens } from "../../../fixtures/random-tokens.ts";
import { NotationIndex } from "../../../src/redact/notation-index.ts";

/** The parts of a text that an index finds; every candidate is compared. */
function foundIn(index: NotationIndex, texts: readonly string[], text: string): string[] {
	const found: string[] = [];
	index.find(text, (from, length, id) => {
		const is = text.slice(from, from + length) === texts[id];
		if (is) found.push(`${from}:${id}`);
		return is;
	});
	return found;
}

function indexOf(texts: readonly string[]): NotationIndex {
	const index = new NotationIndex();
	for (const [id, text] of texts.entries()) index.add(text, id);
	return index;
}

t.test("the longest text at each position, then the search goes on behind it", async (t) => {
	const texts = ["abcd", "abcdefgh", "efghijkl", "abcdefghijkl", "ijkl", "abcd"];
	const index = indexOf(texts);
	t.same(foundIn(index, texts, "abcdefghijkl"), ["0:3"]);
	t.same(foundIn(index, texts, "abcdefghijk abcdX"), ["0:1", "12:0"], "of equal texts, the first one");
	t.same(foundIn(index, texts, "xabcijkl"), ["4:4"], "at the end");
	t.same(foundIn(index, texts, "abc"), []);
	t.equal(index.longest, 12);
});

t.test("a candidate that is refused leaves the shorter ones", async (t) => {
	const index = indexOf(["abcdefgh", "abcdefghijkl"]);
	const asked: number[] = [];
	index.find("abcdefghijkl", (_from, _length, id) => {
		asked.push(id);
		return false;
	});
	t.same(asked, [1, 0]);
});

t.test("as many texts as come, all of them found", async (t) => {
	const random = new RandomTokens(3);
	const texts = Array.from({ length: 30_000 }, () => random.text("lower", 4 + random.integer(9)));
	const unique = [...new Set(texts)];
	const index = indexOf(unique);
	for (let id = 0; id < unique.length; id += 97) t.same(foundIn(index, unique, `-${unique[id]}-`).at(0), `1:${id}`);
});

t.test("many lengths with the same beginning", async (t) => {
	const texts = Array.from({ length: 300 }, (_, i) => "ab".repeat(4 + ((i * 7) % 300)));
	const index = indexOf(texts);
	const [first] = foundIn(index, texts, "ab".repeat(303));
	t.equal(texts[Number(first?.split(":")[1])]?.length, 606);
});
