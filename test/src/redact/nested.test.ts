import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { redactNested } from "../../../src/redact/nested.ts";

const redacted = (value: string) => redactNested(value, bracketing().redaction, "json", "$.x", 0);
const base64 = (text: string) => Buffer.from(text).toString("base64");

t.test("reads values in values, two codings deep", async (t) => {
	const json = '{"password":"hunter2"}';
	const done = '{"password":"(password)"}';
	t.equal(redacted(json), done);
	t.equal(redacted(base64(json)), base64(done));
	t.equal(redacted(base64(json).replace(/=+$/, "")), base64(done).replace(/=+$/, ""), "without padding");
	t.equal(redacted(encodeURIComponent(json)), encodeURIComponent(done));
	t.equal(redacted("a=1&token=abcdef"), "a=1&token=(token)");
	t.equal(redacted("https://a.test/?api_key=abc"), "https://a.test/?api_key=(key)");
});

t.test("values that only look coded stay", async (t) => {
	for (const value of [
		"4f1d2c3b-0000-4000-8000-000000000000",
		"d41d8cd98f00b204e9800998ecf8427e",
		"100% of = signs & more",
		base64("\0\x01\x02\x03 binary data with password=1"),
		"{not json, password: x}".slice(0, 10),
		"",
	])
		t.equal(redacted(value), value, value);
});
