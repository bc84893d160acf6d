import t from "tap";
import { bracketing, KEY } from "../../../fixtures/redaction.ts";
import { Placeholders } from "../../../src/redact/placeholders.ts";
import { applyEdits } from "../../../src/redact/redaction.ts";

t.test("a secret is reported with its rule and place, unless it is kept or a placeholder", async (t) => {
	const { redaction, found } = bracketing({ redact_keep: ["cookie:theme"] });
	redaction.part = "request";
	t.equal(redaction.secret("abc", "token", "name.token", "header", "x-token"), "(token)");
	t.equal(redaction.secret("abc", "cookie", "cookie", "cookie", "theme"), "abc");
	const placeholder = new Placeholders(KEY).of("token", "abc");
	t.equal(redaction.secret(placeholder, "token", "name.token", "header", "x-token"), placeholder);
	t.equal(redaction.secret("", "token", "name.token", "header", "x-token"), "");
	t.match(found, [{ value: "abc", rule: "name.token", place: "request header x-token", confidence: "high" }]);
});

t.test("names with harmless values are none", async (t) => {
	const { redaction } = bracketing();
	for (const value of ["", "true", "null", "12"])
		t.equal(redaction.named(value, "token", "query", "token"), null, value);
	t.equal(redaction.named("12", "password", "query", "password"), "(password)");
});

t.test("parts that were searched before are not searched again", async (t) => {
	const { redaction } = bracketing({ redact_body: ["A\\d+"] });
	t.equal(redaction.textEdits("A1 A2", "text", "").length, 2);
	t.same(redaction.textEdits("A1 A2", "text", "", false, [{ from: 0, to: 2 }]), [{ from: 3, to: 5, text: "(secret)" }]);
});

t.test("the matches of several patterns are in the order of the text", async (t) => {
	const { redaction } = bracketing({ redact_body: ["B\\d", "A\\d"] });
	t.equal(redaction.text("A1 B2 A3 B4", "text", ""), "(secret) (secret) (secret) (secret)");
});

t.test("edits are applied in order, without overlaps", async (t) => {
	t.equal(
		applyEdits("abcdef", [
			{ from: 1, to: 3, text: "X" },
			{ from: 2, to: 4, text: "Y" },
			{ from: 5, to: 6, text: "" },
		]),
		"aXde",
	);
});
