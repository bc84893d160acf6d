// The known word that is nearest to an unknown one.
import t from "tap";
import { didYouMean, nearest } from "../../src/suggest.ts";

const words = ["filter", "rewrite", "replay-server", "listen_port", "ca"];

t.test("the nearest word, by letters removed, added, changed or swapped", async (t) => {
	for (const [typed, meant] of [
		["filtr", "filter"],
		["fitler", "filter"],
		["Filter", "filter"],
		["rewritee", "rewrite"],
		["replay", null],
		["replayserver", "replay-server"],
		["lisen_prt", "listen_port"],
		["xyz", null],
		["", "ca"],
		["ac", "ca"],
	] as const)
		t.equal(nearest(typed, words), meant, typed);
});

t.test("the first of two equally near ones", async (t) => {
	t.equal(nearest("bat", ["cat", "hat"]), "cat");
});

t.test("as a sentence; empty if no word is near", async (t) => {
	t.equal(didYouMean("filtre", words), ' Did you mean "filter"?');
	t.equal(didYouMean("zzzzzz", words), "");
	t.equal(didYouMean("x", []), "");
});
