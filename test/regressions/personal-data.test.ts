// --redact-pii: what goes, and what stays.
import t from "tap";
import { httpFlow } from "../../fixtures/build-flow.ts";
import { redactorOf } from "../../fixtures/redaction.ts";

/** A body after redaction, each placeholder as the word before its MAC. */
function redacted(contentType: string, body: string, values = { redact_pii: true }): string {
	const flow = httpFlow({ response: { headers: [["Content-Type", contentType]], body } });
	redactorOf(values).redact(flow);
	return (flow.response?.text ?? "").replace(
		/ftr_([a-z]+)_[a-z2-7]{12}(?:_0*)?|ftr_([a-z])[a-z2-7]{12}(?:_0*)?/g,
		"<$1$2>",
	);
}

t.test("what goes", async (t) => {
	for (const [before, after] of [
		[{ firstName: "Annabel-Lee" }, { firstName: "<p>" }],
		[{ user: { last_name: "Smith", name: "ann" } }, { user: { last_name: "<p>", name: "ann" } }],
		[{ date_of_birth: "1990-01-02" }, { date_of_birth: "<b>" }],
		[
			{ billing_address: { type: "home", line1: "Main Street 1", city: "Bonn", country: "DE" } },
			{ billing_address: { type: "home", line1: "<a>", city: "<a>", country: "DE" } },
		],
		[{ address: "Main Street 1, 53111 Bonn" }, { address: "<address>" }],
		[{ addresses: ["Main Street 1"] }, { addresses: ["<a>"] }],
		[{ phone: "030 1234567" }, { phone: "<p>" }],
		[{ zip: 53111 }, { zip: 10000 }],
		[{ text: "mail ann@mail.example.com" }, { text: "mail <e>" }],
		[{ text: "call +49 170 1234567 now" }, { text: "call <p> now" }],
		[{ text: "from 203.0.113.77" }, { text: "from <i>" }],
		[{ text: "DE89 3704 0044 0532 0130 00" }, { text: "<iban>" }],
		[{ text: "4111 1111 1111 1111" }, { text: "<c>" }],
	])
		t.equal(redacted("application/json", JSON.stringify(before)), JSON.stringify(after));
	t.match(redacted("application/x-www-form-urlencoded", "first_name=Ann&q=shoes"), /^first_name=<p>&q=shoes$/);
	t.match(
		redacted("text/xml", "<p><FirstName>Ann</FirstName><Size>10</Size></p>"),
		"<FirstName><p></FirstName><Size>10",
	);
	t.match(redacted("text/html", '<input name="street" value="Main Street 1">'), 'value="<a>"');
});

t.test("what stays", async (t) => {
	for (const value of [
		{ name: "Main", id: 53111, title: "Mr", file_name: "a.txt", hostname: "example" },
		{ mac_address: "00:00:5e:00:53:01", contract_address: "0x00", has_phone: true, phone: null, zip: "" },
		{ text: "127.0.0.1, version 1.2.3.4.5, 4111 1111 1111 1112, DE89 3704 0044 0532 0130 01, icon@2x.png" },
	])
		t.equal(redacted("application/json", JSON.stringify(value)), JSON.stringify(value));
	const person = JSON.stringify({ firstName: "Annabel-Lee", email: "ann@mail.example.com" });
	t.equal(redacted("application/json", person, { redact_pii: false }), person, "without the option");
});

t.test("the user of Basic and Digest goes", async (t) => {
	const basic = `Basic ${Buffer.from("annabel:secret99").toString("base64")}`;
	for (const [value, pii, expected] of [
		[basic, true, /^ftr_u[a-z2-7]{12}:ftr_p/],
		[basic, false, /^annabel:ftr_p/],
	] as const) {
		const flow = httpFlow({ request: { headers: [["Authorization", value]] } });
		redactorOf({ redact_pii: pii }).redact(flow);
		const coded = flow.request.headers.get("authorization")?.slice(6) ?? "";
		t.match(Buffer.from(coded, "base64").toString(), expected);
	}
	const digest = 'Digest username="annabel", realm="x", response="0123456789abcdef0123456789abcdef"';
	const flow = httpFlow({ request: { headers: [["Authorization", digest]] } });
	redactorOf({ redact_pii: true }).redact(flow);
	t.match(
		flow.request.headers.get("authorization"),
		/^Digest username="ftr_u[a-z2-7]{12}", realm="x", response="667472/,
	);
});
