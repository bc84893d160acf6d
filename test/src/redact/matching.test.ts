import t from "tap";
import { httpFlow, httpRequest } from "../../../fixtures/build-flow.ts";
import { redactorOf, rulesOf } from "../../../fixtures/redaction.ts";
import { secretRemover } from "../../../src/redact/matching.ts";

const withoutSecrets = secretRemover(rulesOf());
const requestOf = (password: string, token: string) =>
	httpRequest({
		method: "POST",
		path: `/login?token=${token}&page=1`,
		headers: [
			["Content-Type", "application/json"],
			["Authorization", `Bearer ${token}`],
		],
		body: JSON.stringify({ user: "ann", password, note: `sent by ${token.length > 20 ? token : "nobody"}` }),
	});
const seen = (request: ReturnType<typeof requestOf>) => {
	const { path, headers, rawContent } = withoutSecrets(request);
	return [path, headers.get("authorization"), rawContent?.toString()];
};

t.test("requests with other secrets are equal, and the request itself stays", async (t) => {
	const request = requestOf("one", "a1");
	t.same(seen(request), seen(requestOf("another and longer one", "b2")));
	t.equal(request.headers.get("authorization"), "Bearer a1");
	t.match(request.rawContent?.toString(), /"one"/);
	t.notSame(seen(request)[0], seen(httpRequest({ path: "/login?token=x&page=2" }))[0]);
});

t.test("a request and its redacted recording are equal", async (t) => {
	const recorded = httpFlow({ request: requestOf("pass word", "tok-1234567890-abcdefghij") });
	redactorOf().redact(recorded);
	t.match(recorded.request.path, /ftr_/);
	t.same(seen(recorded.request).slice(0, 2), seen(requestOf("x", "y")).slice(0, 2));
});
