import t from "tap";
import { isMacField, type Replace, redactAuthorization, redactMac, redactSigned } from "../../../src/redact/schemes.ts";

const replace: Replace = (value, kind, _rule, isHex) => `(${kind}${isHex === true ? " hex" : ""} ${value.length})`;
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
const HEX = "0123456789abcdef0123456789abcdef";

t.test("Authorization: the scheme stays, and what tells who it is", async (t) => {
	for (const [value, expected] of [
		["Bearer abc", "Bearer (bearer 3)"],
		["bearer  abc ", "bearer  (bearer 3) "],
		["Token abc", "Token (token 3)"],
		["abc", "(credential 3)"],
		["constructor abc", "constructor (constructor 3)"],
		["Negotiate YII=", "Negotiate (negotiate 4)"],
		[basic("ann:pass word"), basic("ann:(password 9)")],
		[basic("ann:"), basic("ann:")],
		["Basic ????", "Basic (basic 4)"],
		[
			`Digest username="ann", realm="r", nonce="${HEX}", uri="/", cnonce="xy", response="${HEX}", qop=auth`,
			`Digest username="ann", realm="r", nonce="(signature hex 32)", uri="/", cnonce="(signature 2)", response="(signature hex 32)", qop=auth`,
		],
		[
			`AWS4-HMAC-SHA256 Credential=AKID/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=${HEX}`,
			"AWS4-HMAC-SHA256 Credential=(key 4)/20260101/eu/s3/aws4_request, SignedHeaders=host, Signature=(signature hex 32)",
		],
		[
			'OAuth oauth_consumer_key="k", oauth_token="t", oauth_signature="s%3D"',
			'OAuth oauth_consumer_key="k", oauth_token="(signature 1)", oauth_signature="(signature 4)"',
		],
		["", ""],
	] as const)
		t.equal(redactAuthorization(value, replace), expected, value);
});

t.test("signatures of web hooks: the time and the algorithm stay", async (t) => {
	for (const [value, expected] of [
		[`sha256=${HEX}`, "sha256=(signature hex 32)"],
		[`t=1700000000,v1=${HEX},v0=${HEX}`, "t=1700000000,v1=(signature hex 32),v0=(signature hex 32)"],
		["sig1=:dGhpcyBpcyBhIHNpZ25hdHVyZQ==:", "sig1=:(signature 28):"],
		["opaque", "(signature 6)"],
	] as const)
		t.equal(redactMac(value, replace), expected, value);
	for (const name of ["x-hub-signature-256", "stripe-signature", "signature", "x-shop-signature"])
		t.ok(isMacField(name), name);
	for (const name of ["signature-input", "x-signal"]) t.notOk(isMacField(name), name);
});

t.test("signed URLs", async (t) => {
	t.equal(redactSigned("X-Amz-Signature", HEX, replace), "(signature hex 32)");
	t.equal(redactSigned("X-Amz-Credential", "AKID/2026/x", replace), "(key 4)/2026/x");
	t.equal(redactSigned("sig", "abc%3D", replace), "(signature 6)");
	for (const name of ["X-Amz-Date", "Key-Pair-Id", "constructor", "signed"])
		t.equal(redactSigned(name, "x", replace), null, name);
	t.equal(redactSigned("sig", "", replace), null);
});
