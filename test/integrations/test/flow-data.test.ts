// A flow as data: what is not changed stays as it was sent.
import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { applyData, dataOf } from "../../../integrations/test/flow-data.ts";

const parts = {
	request: {
		host: "a.test",
		path: "/?key=1",
		headers: [
			["Host", "a.test"],
			["X-Key", "1"],
			["X-Two", "a"],
			["x-two", "b"],
		],
	},
	response: { headers: [["Set-Cookie", "a=1"]], body: "1" },
} as const;

t.test("unchanged data changes nothing", async (t) => {
	const flow = httpFlow(parts);
	const before = flow.request.headers.block();
	const data = dataOf(flow);
	t.match(data, { request: { method: "GET", url: "http://a.test/?key=1", text: "" }, response: { text: "1" } });
	applyData(flow, {
		...data,
		request: { ...data.request, headers: [["x-two", "a, b"], ...data.request.headers.slice(0, 2)] },
	});
	t.equal(flow.request.headers.block(), before);
});

t.test("changes", async (t) => {
	const flow = httpFlow(parts);
	const { request, response } = dataOf(flow);
	applyData(flow, {
		request: {
			...request,
			url: "http://a.test/?key=KEY",
			headers: [
				["host", "a.test"],
				["x-key", "KEY"],
				["x-new", "1"],
			],
		},
		response: response && { ...response, headers: [], text: "KEY" },
	});
	t.equal(flow.request.prettyUrl, "http://a.test/?key=KEY");
	t.same(
		[...flow.request.headers],
		[
			["Host", "a.test"],
			["X-Key", "KEY"],
			["x-new", "1"],
		],
	);
	t.equal(flow.response?.headers.has("set-cookie"), false);
	t.equal(flow.response?.text, "KEY");
	const lost = httpFlow({ response: null });
	applyData(lost, dataOf(lost));
	t.equal(lost.response, null);
});
