import t from "tap";
import { bracketing } from "../../../fixtures/redaction.ts";
import { beginContent } from "../../../src/redact/content-search.ts";

/** A body that passes in pieces of 64 KiB, each secret replaced by its kind in brackets. */
function searched(contentType: string | null, body: string): string {
	const { redaction } = bracketing({ redact_param: ["pad_own"] });
	let out = "";
	const search = beginContent(body.slice(0, 1024), contentType, redaction, (_before, after) => {
		out += after;
	});
	for (let at = 1024; at < body.length; at += 65_536) search.write(body.slice(at, at + 65_536));
	search.end();
	return out;
}

t.test("fields of forms, also of values that are too long for memory", async (t) => {
	const long = "y".repeat(1_500_000);
	const form = (first: string, own: string, last: string) =>
		`password=${first}&${"a=b&".repeat(200_000)}text=${long}&pad_own=${own}&b=c&otp=${last}`;
	t.ok(
		searched("application/x-www-form-urlencoded", form("p", long, "1234")) ===
			form("%28password%29", "%28param%29", "%28otp%29").replace(/%2[89]/g, (one) => (one === "%28" ? "(" : ")")),
	);
});

t.test("parts by their names and types", async (t) => {
	const part = (name: string, content: string, type = "text/plain") =>
		`--B\r\nContent-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n\r\n${content}\r\n`;
	const pad = '{"a":"b"},'.repeat(200_000);
	const body = (password: string, token: string) =>
		[
			"preamble\r\n",
			part("password", password).repeat(3000),
			part("data", `[${pad}{"token":"${token}"}]`, "application/json"),
			part("secret", password === "p1" ? pad : "(secret)"),
			part("pin", password === "p1" ? "1234" : "(otp)"),
			"--B--\r\n",
		].join("");
	t.ok(searched("multipart/form-data; boundary=B", body("p1", "t1")) === body("(password)", "(token)"));
});

t.test("JSON without a type, or behind a guard", async (t) => {
	const json = (value: string) => `[${'{"a":"b"},'.repeat(100_000)}{"password":"${value}"}]`;
	for (const [before, after] of [
		["", ""],
		[")]}'\n", ""],
		["call(", ");"],
	])
		t.ok(searched(null, before + json("p1") + after) === before + json("(password)") + after, `${before}`);
	const lines = (value: string) => `{"password":"${value}"}\n`.repeat(20_000);
	t.ok(searched("application/x-ndjson", lines("p1")) === lines("(password)"));
});
