// Findings as text.
import t from "tap";
import { scanText } from "../../../commands/scan/text.ts";
import { findingOf } from "../../../fixtures/findings.ts";

const textOf = (values: Parameters<typeof findingOf>[0], quiet = false) =>
	scanText([{ tape: "a.tape", flows: 2, findings: [findingOf(values)], known: [] }], quiet);

t.test("a paragraph a secret, and a line a tape", async (t) => {
	t.equal(
		textOf({}),
		`a.tape: flow 11111111 GET http://example.com/
  request header authorization: token (abcd…, 40 bytes; rule name.token)
  also in flow #2 response body $.access_token
a.tape: 1 secret in 2 places of 2 flows. Remove: flowtape rewrite --redact --in-place a.tape
`,
	);
	t.match(textOf({ preview: "", length: 1, confidence: "low" }), "token (1 byte; rule name.token, low confidence)");
	t.match(textOf({ expires: 1_798_848_000 }), "expires 2027-01-02");
	t.match(textOf({ expires: 1e300 }), "expires 1e+300");
});

t.test("many places", async (t) => {
	const places = Array.from({ length: 8 }, (_, i) => ({ flow: "x", number: i + 1, where: "request" }));
	t.match(textOf({ places, count: 20 }), /flow #6 request, and 14 more\n/);
});

t.test("control characters of a tape are not printed", async (t) => {
	const text = textOf({
		label: "GET http://x/\u001b[31m",
		places: [{ flow: "\u001b[2J", number: 1, where: "\u009b1m" }],
	});
	for (const character of ["\u001b", "\u009b"]) t.notOk(text.includes(character));
});

t.test("a tape without findings", async (t) => {
	const none = { tape: "a.tape", flows: 1, findings: [], known: [] };
	t.equal(scanText([none], false), "a.tape: no secrets in 1 flow\n");
	t.equal(scanText([none], true), "");
});
