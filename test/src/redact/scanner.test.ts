import t from "tap";
import { httpFlow } from "../../../fixtures/build-flow.ts";
import { KEY, rulesOf } from "../../../fixtures/redaction.ts";
import { Placeholders } from "../../../src/redact/placeholders.ts";
import { Scanner, type ScannerOptions } from "../../../src/redact/scanner.ts";

const placeholders = new Placeholders(KEY);
const scannerOf = (options: Partial<ScannerOptions> = {}) =>
	new Scanner({ rules: rulesOf(), placeholders, ...options });

t.test("one finding a secret, with all its places and without its value", async (t) => {
	const scanner = scannerOf();
	const token = "abcd-efgh-1234-5678";
	scanner.add(
		httpFlow({
			id: "one",
			request: { host: "api.test", path: `/reset-password/a1b2c3d4e5f6g7?token=${token}` },
			response: { headers: [["Content-Type", "application/json"]], body: `{"access_token":"${token}"}` },
		}),
	);
	scanner.add(httpFlow({ id: "two", request: { headers: [["Authorization", `Bearer ${token}`]] } }));
	const found = scanner.findings.find(({ length }) => length === token.length);
	t.match(found, {
		kind: "token",
		rule: "name.token",
		confidence: "high",
		preview: "abcd",
		fingerprint: placeholders.fingerprint(token),
		label: "GET http://api.test/reset-password/(token)",
		count: 3,
		places: [
			{ flow: "one", number: 1, where: "request query token" },
			{ flow: "one", number: 1, where: "response body $.access_token" },
			{ flow: "two", number: 2, where: "request header authorization" },
		],
	});
	t.notMatch(JSON.stringify(scanner.findings), token);
	t.equal(scanner.flows, 2);
});

t.test("nothing of a short secret is shown", async (t) => {
	const scanner = scannerOf();
	scanner.add(httpFlow({ request: { path: "/?password=hunter2" } }));
	t.match(scanner.findings, [{ preview: "", length: 7 }]);
});

t.test("when a token expires", async (t) => {
	const coded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
	const scanner = scannerOf();
	const jwt = `${coded({ alg: "HS256" })}.${coded({ exp: 1_798_848_000 })}.${"s".repeat(43)}`;
	scanner.add(httpFlow({ request: { headers: [["Authorization", `Bearer ${jwt}`]] } }));
	t.match(scanner.findings, [{ kind: "jwt", expires: 1_798_848_000 }]);
});

t.test("findings below a confidence are left out", async (t) => {
	const flow = () => httpFlow({ request: { headers: [["Cookie", "sid=a1; cart=x9y8z7w6v5u4"]] } });
	const all = scannerOf();
	all.add(flow());
	t.same(
		all.findings.map(({ confidence }) => confidence),
		["high", "medium"],
	);
	const certain = scannerOf({ minConfidence: "high" });
	certain.add(flow());
	t.same(
		certain.findings.map(({ rule }) => rule),
		["name.session"],
	);
});

t.test("a secret with many places keeps the first ones and counts all", async (t) => {
	const scanner = scannerOf();
	for (let i = 0; i < 1500; i++) scanner.add(httpFlow({ request: { path: "/?password=hunter2" } }));
	t.match(scanner.findings, [{ count: 1500 }]);
	t.equal(scanner.findings[0]?.places.length, 1000);
});
