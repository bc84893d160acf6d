// Explains which recording answers a request.
import t from "tap";
import { httpFlow, websocketFlow } from "../../../../fixtures/build-flow.ts";
import { hitData, hitText } from "../../../../src/replay/explain/hit-text.ts";

const asked = { method: "GET", url: "http://a.test/\tb" };
const flows = (count: number) => Array.from({ length: count }, (_, seq) => httpFlow({ id: `${seq}-flow-id` }));

t.test("text", (t) => {
	const text = hitText(asked, "0-flow-id", flows(1), { compared: "method", order: "each once" });
	t.match(
		text,
		/^GET http:\/\/a\.test\/ b is answered by flow 0-flow-i\nthe only recording that is equal:\n→ 0-flow-i GET .* → 200\ncompared: method\n$/,
	);
	t.match(
		hitText(asked, "1-flow-id", flows(30), { compared: "method", order: "each once" }),
		/30 recordings are equal, and each once:\n {2}0-flow-i .*\n→ 1-flow-i [\s\S]*\n {2}and 20 more\n/,
	);
	t.end();
});

t.test("a response that is incomplete, whether or not the flow has an error", async (t) => {
	const text = (flow: ReturnType<typeof httpFlow>) =>
		hitText(asked, flow.id, [flow], { compared: "method", order: "each once" });
	for (const error of [null, { message: "reset", timestamp: 1 }]) {
		t.match(
			text(httpFlow({ ended: "cut", error })),
			/→ 200, incomplete: it was cut off, and the replay cuts it off too\n/,
		);
		t.match(
			text(httpFlow({ ended: "client", error })),
			/→ 200, incomplete: the client closed it, so the replay keeps it open\n/,
		);
		t.match(text(httpFlow({ ended: "server", error })), /→ 200\n/);
	}
	t.match(text(websocketFlow({ error: { message: "reset", timestamp: 1 } })), /→ 101\n/);
});

t.test("data for JSON", (t) => {
	t.match(hitData(asked, "0-flow-id", flows(2), "method"), {
		answered: true,
		recording: "0-flow-id",
		request: asked,
		equal: [{ id: "0-flow-id", status: 200 }, {}],
		compared: "method",
	});
	t.end();
});
