// Writes the keys of a line.
import t from "tap";
import { dnsFlow, httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { variedFlows } from "../../../fixtures/varied-flows.ts";
import { flowObject } from "../../../formats/jsonl/write-line.ts";

t.test("HTTP", async (t) => {
	const object = flowObject(
		httpFlow({
			id: "x",
			request: {
				headers: [
					["A", "1"],
					["a", "café"],
				],
			},
		}),
		{ url: true },
	);
	t.same(Object.keys(object).slice(0, 4), ["id", "type", "request", "response"]);
	t.match(object, {
		id: "x",
		type: "http",
		request: {
			method: "GET",
			url: "http://example.com/",
			headers: [
				["A", "1"],
				["a", "café"],
			],
			http_version: "HTTP/1.1",
		},
		response: { status: 200, reason: "OK" },
		error: null,
	});
	t.equal(flowObject(httpFlow({ response: null })).response, null);
});

t.test("other types", async (t) => {
	t.match(flowObject(tcpFlow()), { type: "tcp", messages: [{ from_client: true }, { from_client: false }] });
	t.match(flowObject(dnsFlow()), {
		type: "dns",
		request: { questions: [{ name: "example.com" }] },
		response: { answers: [{ ttl: 300 }] },
	});
	t.match(flowObject(websocketFlow()), {
		websocket: { messages: [{ opcode: 1, content: "ping" }, { content: "pong" }] },
	});
});

t.test("every HTTP flow has the same keys", async (t) => {
	const keys = (object: object) => Object.keys(object).join();
	const http = variedFlows()
		.filter(({ type }) => type === "http")
		.map((flow) => keys(flowObject(flow)));
	t.equal(new Set(http).size, 1);
});
