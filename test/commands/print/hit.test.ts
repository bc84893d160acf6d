// Why a recording answers.
import t from "tap";
import { hitData, hitText } from "../../../commands/print/hit.ts";
import { httpFlow } from "../../../fixtures/build-flow.ts";

const asked = { method: "GET", url: "http://a.test/\u0007" };
const candidates = (count: number) =>
	Array.from({ length: count }, (_, place) => ({ flow: httpFlow({ id: `${place}-flow-id` }), spot: { tape: 0, place }, uses: 0 }));

t.test("in words, safe for a terminal", (t) => {
	const text = hitText(asked, "0-flow-id", candidates(1), { compared: "method", order: "each once" });
	t.match(text, /^GET http:\/\/a\.test\/␇ is answered by flow 0-flow-i\nthe only recording that is equal:\n→ 0-flow-i GET .* → 200\ncompared: method\n$/);
	t.match(
		hitText(asked, "1-flow-id", candidates(30), { compared: "method", order: "each once" }),
		/30 recordings are equal, and each once:\n {2}0-flow-i .*\n→ 1-flow-i [\s\S]*\n {2}and 20 more\n/,
	);
	t.end();
});

t.test("as data", (t) => {
	t.match(hitData(asked, "0-flow-id", candidates(2), "method"), {
		answered: true,
		recording: "0-flow-id",
		request: asked,
		equal: [{ id: "0-flow-id", status: 200 }, {}],
		compared: "method",
	});
	t.end();
});
