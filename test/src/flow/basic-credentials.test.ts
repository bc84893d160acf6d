// User and password of the scheme Basic.
import t from "tap";
import { formatBasic, parseBasic } from "../../../src/flow/basic-credentials.ts";

const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

t.test("credentials", async (t) => {
	for (const [header, expected] of [
		[basic("user:pass"), ["user", "pass"]],
		["basic   dXNlcjpwYXNz ", ["user", "pass"]],
		[basic("user:a:b:c"), ["user", "a:b:c"]],
		[basic("üser:pässwort"), ["üser", "pässwort"]],
		[`Basic ${Buffer.from("üser:pässwort", "latin1").toString("base64")}`, ["üser", "pässwort"]],
		[basic(":"), ["", ""]],
		[basic("nobody"), null],
		["Basic", null],
		["Basic dXNlcjpwYXNz dXNlcjpwYXNz", null],
		["Basic ???", null],
		["Bearer dXNlcjpwYXNz", null],
		["Basic dXNlcjpwYXNz, Basic dXNlcjpwYXNz", null],
		["", null],
		[null, null],
	] as const)
		t.strictSame(parseBasic(header), expected, String(header));
});

t.test("round trip", async (t) => {
	t.equal(
		formatBasic("Aladdin:open sesame"),
		"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
		"the example of RFC 7617 section 2",
	);
	t.strictSame(parseBasic(formatBasic("jürgen:a:b")), ["jürgen", "a:b"]);
});
