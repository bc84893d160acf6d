import t from "tap";
import { httpFlow, httpRequest, tcpFlow } from "../../../fixtures/build-flow.ts";
import { bracketing } from "../../../fixtures/redaction.ts";
import { redactFlow, redactRequest } from "../../../src/redact/flow.ts";
import type { RedactionValues } from "../../../src/redact/options.ts";

/** What becomes of a header field. */
function redacted(name: string, value: string, values: Partial<RedactionValues> = {}): string | null {
	const request = httpRequest({ headers: [[name, value]] });
	redactRequest(request, bracketing(values).redaction);
	return request.headers.get(name);
}

t.test("header fields: whole, by scheme, as URLs, and those that only look secret", async (t) => {
	for (const [name, value, expected] of [
		["X-Api-Key", "abc", "(key)"],
		["X-CSRF-Token", "abc", "(csrf)"],
		["Authorization", "Bearer abc", "Bearer (bearer)"],
		["Proxy-Authorization", "Bearer abc", "Bearer (bearer)"],
		["X-Hub-Signature-256", `sha256=${"a".repeat(64)}`, "sha256=(signature)"],
		["Referer", "https://a.test/?token=abc&x=1", "https://a.test/?token=(token)&x=1"],
		["Link", "<https://a.test/?token=abc>; rel=next", "<https://a.test/?token=(token)>; rel=next"],
		["Refresh", "5; url=https://a.test/?token=abc", "5; url=https://a.test/?token=(token)"],
		["Idempotency-Key", "abc-123-def", "abc-123-def"],
		["ETag", '"abc-123"', '"abc-123"'],
		["Accept", "*/*", "*/*"],
		["X-Empty-Token", "", ""],
	] as const)
		t.equal(redacted(name, value), expected, name);
	t.equal(redacted("X-Mine", "abc", { redact_header: ["x-mine"] }), "(header)");
	t.equal(redacted("X-Api-Key", "abc", { redact_keep: ["header:x-api-key"] }), "abc");
});

t.test("cookies: names, quotes and attributes stay, harmless values too", async (t) => {
	for (const [name, value, expected] of [
		[
			"Cookie",
			"sid=abc; theme=dark; n=12; lang=en-GB; id=x9y8z7w6v5",
			"sid=(session); theme=dark; n=12; lang=en-GB; id=(cookie)",
		],
		["Cookie", 'token="abc"; flag; =; x=', 'token="(token)"; flag; =; x='],
		["Set-Cookie", "sid=abc; Path=/; Secure", "sid=(session); Path=/; Secure"],
		["Set-Cookie", "theme=dark", "theme=dark"],
	] as const)
		t.equal(redacted(name, value), expected, value);
	t.equal(redacted("Cookie", "theme=dark", { redact_cookie: ["theme"] }), "theme=(cookie)");
});

t.test("path, trailers, reason phrase, errors and messages", async (t) => {
	const flow = httpFlow({
		request: { path: "/a?password=abc", trailers: [["X-Api-Key", "abc"]] },
		response: { reason: "Bearer abcdefghijklmnop123", headers: [] },
		error: { message: "cannot connect to https://ann:pass1word@a.test/", timestamp: 1 },
		original: httpRequest({ path: "/b?password=abc" }),
	});
	t.ok(redactFlow(flow, bracketing().redaction, () => {}));
	t.equal(flow.request.path, "/a?password=(password)");
	t.equal(flow.original?.path, "/b?password=(password)");
	t.equal(flow.request.trailers?.get("x-api-key"), "(key)");
	t.notMatch(flow.response?.reason, "abcdefghijklmnop123");
	t.notMatch(flow.error?.message, "pass1word");
	const tcp = tcpFlow({ messages: [{ fromClient: true, content: Buffer.from('{"password":"abc"}'), timestamp: 1 }] });
	t.ok(redactFlow(tcp, bracketing().redaction, () => {}));
	t.equal(tcp.messages[0]?.content.toString(), '{"password":"(password)"}');
});

t.test("text in UTF-16 is searched, and written in UTF-8", async (t) => {
	const flow = httpFlow({
		response: {
			headers: [["Content-Type", "application/json; charset=utf-16le"]],
			body: Buffer.from('{"password":"geheim1"}', "utf16le"),
		},
	});
	redactFlow(flow, bracketing().redaction, () => {});
	t.equal(flow.response?.rawContent?.toString(), '{"password":"(password)"}');
	t.match(flow.response?.headers.get("content-type"), /charset=utf-8/);
});
