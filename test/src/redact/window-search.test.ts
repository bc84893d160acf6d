import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { DroppedSearch, WindowSearch } from "../../../src/redact/window-search.ts";

function recorded() {
	const pushed: [before: string, after: string][] = [];
	return { pushed, push: (before: string, after: string) => pushed.push([before, after]) };
}

t.test("windows overlap, so that a secret may begin in one and end in the next", async (t) => {
	const { pushed, push } = recorded();
	const search = new WindowSearch(bracketing().redaction, push);
	const token = `ghp_${"aB3dE6gH9jK2mN5pQ8sT".repeat(2).slice(0, 36)}`;
	const before = "word ".repeat(52_422);
	search.write(`${before}${token.slice(0, 20)}`);
	search.write(`${token.slice(20)} end`);
	search.end();
	t.ok(pushed.map(([, after]) => after).join("") === `${before}(token) end`);
});

t.test("what is dropped keeps its line end", async (t) => {
	for (const pieces of [["ab\r", "\n"], ["ab", "\r\n"], ["a\r\nb\r\n"]]) {
		const { pushed, push } = recorded();
		const search = new DroppedSearch(push);
		for (const piece of pieces) search.write(piece);
		search.end();
		t.equal(pushed.map(([, after]) => after).join(""), "\r\n");
	}
});
