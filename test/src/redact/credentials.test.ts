import t from "tap";
import { httpFlow, tcpFlow } from "../../../fixtures/build-flow.ts";
import { redactorOf } from "../../../fixtures/redaction.ts";
import { credentialIn } from "../../../src/redact/credentials.ts";

const TOKEN = "a1b2c3d4e5f6g7h8";
const withHeader = (name: string, value: string) => httpFlow({ request: { headers: [[name, value]] } });

t.test("the first credential of the heads", async (t) => {
	const flows = [
		[withHeader("Authorization", `Bearer ${TOKEN}`), "request header authorization"],
		[withHeader("X-Api-Key", TOKEN), "request header x-api-key"],
		[withHeader("Cookie", `theme=dark; sessionid=${TOKEN}`), "request cookie sessionid"],
		[httpFlow({ request: { path: `/?page=1&access_token=${TOKEN}` } }), "request query access_token"],
		[httpFlow({ response: { headers: [["Set-Cookie", `sid=${TOKEN}; Path=/`]] } }), "response cookie sid"],
	] as const;
	for (const [flow, place] of flows) t.equal(credentialIn(flow), place);
});

t.test("none in harmless heads, and none after redaction", async (t) => {
	const harmless = [
		httpFlow(),
		httpFlow({ request: { path: "/?q=x&token=true&=1" }, response: null }),
		withHeader("Cookie", "theme=dark"),
		withHeader("Idempotency-Key", TOKEN),
		withHeader("Authorization", ""),
		tcpFlow(),
	];
	for (const flow of harmless) t.equal(credentialIn(flow), null);
	const redactor = redactorOf();
	for (const flow of [
		withHeader("Authorization", `Bearer ${TOKEN}`),
		withHeader("Authorization", `Basic ${Buffer.from(`ann:${TOKEN}`).toString("base64")}`),
		withHeader("Cookie", `sid=${TOKEN}`),
		httpFlow({ request: { path: `/?access_token=${TOKEN}` } }),
	]) {
		t.not(credentialIn(flow), null);
		redactor.redact(flow);
		t.equal(credentialIn(flow), null);
	}
});
