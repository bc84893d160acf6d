// Stores fields that only flowtape has in other formats.
import t from "tap";
import { httpFlow, httpRequest, tcpFlow } from "../../fixtures/build-flow.ts";
import { comparable, variedFlows } from "../../fixtures/varied-flows.ts";
import { ownFields, setOwnFields } from "../../formats/own-fields.ts";
import { HttpFlow } from "../../src/flow/flow.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";

t.test("round trip, also through JSON", async (t) => {
	for (const flow of variedFlows()) {
		const own = ownFields(flow);
		const expected = comparable(flow);
		flow.session = null;
		if (flow instanceof HttpFlow) {
			flow.ended = null;
			flow.refreshed = null;
			flow.original = null;
		}
		setOwnFields(flow, own === null ? undefined : (JSON.parse(JSON.stringify(own)) as MetaValue));
		t.same(comparable(flow), expected);
	}
});

t.test("flows without such fields", async (t) => {
	t.equal(ownFields(httpFlow()), null);
	t.equal(ownFields(httpFlow({ ended: "server" })), null);
	t.equal(
		ownFields(httpFlow({ error: { message: "Client disconnected.", timestamp: 1 }, ended: "client" })),
		null,
		"the error implies it",
	);
	t.equal(ownFields(tcpFlow()), null);
});

t.test("other values are ignored", async (t) => {
	const original = ownFields(httpFlow({ original: httpRequest() }))?.original as { [key: string]: MetaValue };
	for (const own of [
		undefined,
		null,
		"text",
		[1],
		{ session: "", ended: "never", refreshed: "soon", original: [] },
		{ session: "x".repeat(129), ended: 1, refreshed: true, original: { ...original, method: 1 } },
		{ original: { ...original, headers: ["odd"] } },
		{ original: { ...original, path: "/\u0100" } },
		{ original: { ...original, port: "80" } },
	] as MetaValue[]) {
		const flow = httpFlow();
		setOwnFields(flow, own);
		t.match(flow, { session: null, ended: null, refreshed: null, original: null });
	}
});

t.test("a cut-off request is marked, because formats may not store its end", async (t) => {
	const cut = () =>
		httpFlow({ response: null, error: { message: "x", timestamp: 1 }, request: { timestampEnd: null, body: "half" } });
	t.same(ownFields(cut()), { request_ended: "cut" });
	const read = cut();
	read.request.timestampEnd = read.request.timestampStart;
	setOwnFields(read, ownFields(cut()) ?? undefined);
	t.equal(read.request.timestampEnd, null);
});
