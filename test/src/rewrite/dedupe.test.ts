// Drops flows with equal requests and responses.
import t from "tap";
import { type HttpParts, httpFlow, tcpFlow, websocketFlow } from "../../../fixtures/build-flow.ts";
import { defaultRequestKey } from "../../../src/replay/match/key.ts";
import { dedupe } from "../../../src/rewrite/dedupe.ts";

t.test("the first of equal flows is kept", async (t) => {
	let dropped = 0;
	const step = dedupe(defaultRequestKey, () => dropped++);
	const kept = [
		httpFlow({ response: { headers: [["Date", "x"]] } }),
		httpFlow({ response: { headers: [["Date", "y"]] } }),
		httpFlow({ request: { path: "/other" } }),
		httpFlow({ response: { body: "another answer" } }),
		httpFlow({ response: { statusCode: 500 } }),
		httpFlow({ response: null, error: { message: "gone", timestamp: 1 } }),
		tcpFlow(),
		tcpFlow(),
	].map((flow) => step(flow) !== null);
	t.same(kept, [true, false, true, true, true, true, true, true]);
	t.equal(dropped, 1);
});

t.test("flows of different sessions are kept", async (t) => {
	const step = dedupe(defaultRequestKey);
	const kept = ["a", "b", null, "a", null].map((session) => step(httpFlow({ session })) !== null);
	t.same(kept, [true, true, true, false, false]);
});

t.test("responses that differ in more than their times are kept", async (t) => {
	const answers: Record<string, HttpParts> = {
		plain: { response: { headers: [["A", "1"]], body: "" } },
		header: { response: { headers: [["A", "2"]], body: "" } },
		"two headers": {
			response: {
				headers: [
					["A", "1"],
					["A", "1"],
				],
				body: "",
			},
		},
		"body that was not kept": { response: { headers: [["A", "1"]], body: null } },
		trailer: { response: { headers: [["A", "1"]], body: "", trailers: [["grpc-status", "3"]] } },
		cut: { ended: "cut", response: { headers: [["A", "1"]], body: "" } },
		"client gone": { ended: "client", response: { headers: [["A", "1"]], body: "" } },
	};
	const step = dedupe(defaultRequestKey);
	for (const [name, parts] of Object.entries(answers)) t.not(step(httpFlow(parts)), null, name);
	for (const [name, parts] of Object.entries(answers)) t.equal(step(httpFlow(parts)), null, `${name} once more`);
	for (const name of ["Date", "Age", "Expires"])
		t.equal(
			step(
				httpFlow({
					response: {
						headers: [
							["a", "1"],
							[name, "x"],
						],
						body: "",
					},
				}),
			),
			null,
			name,
		);
	const talk = (...contents: string[]) =>
		websocketFlow({ messages: contents.map((content) => ({ content: Buffer.from(content) })) });
	t.not(step(talk("ab", "c")), null);
	t.not(step(talk("a", "bc")), null);
	t.equal(step(talk("ab", "c")), null);
});
