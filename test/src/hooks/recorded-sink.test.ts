// The phase `recorded`: what is written differs from what the client got.
import t from "tap";
import { httpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import type { Flow, HttpFlow } from "../../../src/flow/flow.ts";
import { FlowSink } from "../../../src/flow/sink.ts";
import type { Hook } from "../../../src/hooks/hook.ts";
import { RecordedSink, runRecorded } from "../../../src/hooks/recorded-sink.ts";

const spool = { write() {}, end: () => ({ size: 0, read: () => Buffer.alloc(0), chunks: () => [] }) };
const outputOf = (written: Flow[]) =>
	FlowSink.of({
		append: (flow) => void written.push(flow),
		spool: () => spool,
		open: () => ({ addMessage() {}, close() {}, discard() {} }),
	});

t.test("hooks change a copy, in order", async (t) => {
	const written: Flow[] = [];
	const hooks: Hook[] = [
		{
			name: "a",
			recorded(flow) {
				flow.comment += "a";
			},
		},
		{ name: "none" },
		{
			name: "b",
			async recorded(flow) {
				flow.comment += "b";
				if (flow.type === "http") flow.request.headers.set("x", "written");
			},
		},
	];
	const sink = new RecordedSink(outputOf(written), hooks);
	const flow = httpFlow({ request: { headers: [["X", "sent"]] } });
	await sink.append(flow);
	t.same([flow.comment, flow.request.headers.get("x")], ["", "sent"]);
	const [copy] = written as [HttpFlow];
	t.same([copy.comment, copy.request.headers.get("x")], ["ab", "written"]);
	t.equal(sink.spool(), null, "large bodies wait for the hooks");
	t.equal(sink.open(websocketFlow()), null, "conversations are written when they are complete");
});

t.test("a hook that fails: the flow is not written", async (t) => {
	const written: Flow[] = [];
	const failing: Hook = {
		name: "a",
		recorded() {
			throw new Error("no");
		},
	};
	t.throws(() => new RecordedSink(outputOf(written), [failing]).append(httpFlow()), { message: "no" });
	t.same(written, []);
});

t.test("without such hooks, nothing is copied", async (t) => {
	const written: Flow[] = [];
	const sink = new RecordedSink(outputOf(written), [{ name: "none" }]);
	const flow = httpFlow();
	await sink.append(flow);
	t.equal(written[0], flow);
	t.equal(sink.spool(), spool);
	t.not(sink.open(websocketFlow()), null);
	t.equal(runRecorded([{ name: "none" }], flow), undefined);
});
