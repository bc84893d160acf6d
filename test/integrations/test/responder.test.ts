// The option `respond` gets a request of the platform, and its response becomes data.
import t from "tap";
import { answerBy } from "../../../integrations/test/responder.ts";

const request = {
	method: "POST",
	url: "http://a.test/b",
	headers: [
		["X-A", "1"],
		["x-a", "2"],
	] as const,
	body: Buffer.from("body"),
};

t.test("a request and its response", async (t) => {
	const answer = await answerBy(async (given) => {
		t.match(given, { method: "POST", url: "http://a.test/b" });
		t.equal(given.headers.get("x-a"), "1, 2");
		t.equal(await given.text(), "body");
		return new Response("answer", { status: 201, headers: { "x-b": "3" } });
	}, request);
	t.match(answer, {
		status: 201,
		headers: [
			["content-type", /text/],
			["x-b", "3"],
		],
	});
	t.equal(Buffer.from(answer?.body ?? []).toString(), "answer");
});

t.test("no response leaves the request to the tape", async (t) => {
	t.equal(await answerBy(() => undefined, request), null);
	t.equal(await answerBy(({ body }) => void t.equal(body, null), { ...request, method: "GET" }), null);
	await t.rejects(
		answerBy(() => {
			throw new Error("no");
		}, request),
		{ message: "no" },
	);
});
