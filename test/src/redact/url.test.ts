import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { redactPairs, redactPath, redactUrl } from "../../../src/redact/url.ts";

t.test("URLs: user information, parameters, fragments, opaque segments", async (t) => {
	for (const [url, expected] of [
		["https://ann:p%40ss@host.test/x", "https://ann:(password)@host.test/x"],
		["https://ann@host.test/x", "https://ann@host.test/x"],
		["https://host.test/cb?code=abc&state=xyz", "https://host.test/cb?code=(code)&state=xyz"],
		["https://host.test/cb?code=US", "https://host.test/cb?code=US"],
		["https://host.test/a?x=1#access_token=abcdef&y=2", "https://host.test/a?x=1#access_token=(token)&y=2"],
		["https://host.test/a#top", "https://host.test/a#top"],
		["/reset-password/a1b2c3d4e5f6g7", "/reset-password/(token)"],
		["/verify/email", "/verify/email"],
		["/orders/a1b2c3d4e5f6g7", "/orders/a1b2c3d4e5f6g7"],
		["/", "/"],
		["*", "*"],
	] as const) {
		const { redaction } = bracketing();
		t.equal(redactUrl(url, redaction), expected, url);
	}
});

t.test("a query keeps its form: order, escapes, empty and repeated parameters", async (t) => {
	const { redaction, found } = bracketing();
	const query = "a=%20&&b&password=x%2By+z&password=&q=1%2f2&api_key=k1&page_token=abc&max_tokens=5";
	t.equal(
		redactPairs(query, redaction, "query"),
		"a=%20&&b&password=(password)&password=&q=1%2f2&api_key=(key)&page_token=abc&max_tokens=5",
	);
	t.same(
		found.map(({ value, place }) => [value, place]),
		[
			["x+y z", " query password"],
			["k1", " query api_key"],
		],
	);
});

t.test("a URL inside of a parameter, percent-encoded", async (t) => {
	const { redaction } = bracketing();
	const inner = "/next?token=abc&x=1";
	t.equal(
		redactPath(`/cb?to=${encodeURIComponent(inner)}`, redaction),
		`/cb?to=${encodeURIComponent("/next?token=(token)&x=1")}`,
	);
});

t.test("own parameters, and parameters that are kept", async (t) => {
	t.equal(redactPath("/?tracking=1", bracketing({ redact_param: ["track*"] }).redaction), "/?tracking=(param)");
	t.equal(redactPath("/?token=1a", bracketing({ redact_keep: ["query:token"] }).redaction), "/?token=1a");
	t.equal(redactPath("/?token=1a", bracketing({ redact_keep: ["name.token"] }).redaction), "/?token=1a");
});
