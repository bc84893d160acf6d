// The weight of a flow, by which it waits for its turn.
import t from "tap";
import { httpFlow, tcpFlow } from "../../../../fixtures/build-flow.ts";
import { workloadOf } from "../../../../src/proxy/body/flow-weight.ts";

t.test("both bodies count; small ones count only if they must be decoded", async (t) => {
	const flow = httpFlow({ request: { body: "x".repeat(40_000) }, response: { body: "x".repeat(40_000) } });
	t.equal(workloadOf(flow), 80_000);
	t.equal(workloadOf(httpFlow({ request: { body: "small" }, response: { body: "small" } })), 0);
	t.equal(workloadOf(httpFlow({ request: { body: null }, response: null })), 0);
	const coded = { headers: [["Content-Encoding", "gzip"]] } as const;
	t.equal(workloadOf(httpFlow({ response: { ...coded, body: "bomb" } })), 4);
	t.equal(workloadOf(httpFlow({ response: { ...coded, body: "" } })), 0);
	t.equal(workloadOf(tcpFlow()), 0);
});
