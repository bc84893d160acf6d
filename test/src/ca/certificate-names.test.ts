// Names and organizations in certificates.
import { X509Certificate } from "node:crypto";
import t from "tap";
import { makeCertificate } from "../../../fixtures/own-certificate.ts";
import { coversHost, namesOf, namingOf, organizationOf } from "../../../src/ca/certificate-names.ts";

const make = (names: string[], organization: string | null = null) =>
	new X509Certificate(makeCertificate({ names, organization }).certificate);

t.test("names, with the common name first", async (t) => {
	t.strictSame(namesOf(make(["example.com", "*.example.com", "192.0.2.1"])), [
		"example.com",
		"example.com",
		"*.example.com",
		"192.0.2.1",
	]);
	t.strictSame(
		namesOf(make([`${"a".repeat(70)}.example`])),
		[`${"a".repeat(70)}.example`],
		"too long to be a common name",
	);
	t.strictSame(namesOf(make([])), []);
	t.strictSame(namesOf(make(["not a host"])), [], "what can be no host is none");
	t.strictSame(namesOf(make(["a.example", "2001:db8::1"])), ["a.example", "a.example", "2001:db8:0:0:0:0:0:1"]);
});

t.test("of many names, only the first ones, so that a leaf has room for them", async (t) => {
	const many = Array.from({ length: 2000 }, (_, i) => `host-number-${i}.example`);
	const names = namesOf(make(many));
	t.ok(names.length > 1000 && names.length < 2000);
	t.strictSame(names, [many[0], ...many].slice(0, names.length));
});

t.test("a name that looks like several in text is one name", async (t) => {
	const odd = [
		"my.test",
		"a,DNS:evil.test",
		'b", DNS:evil.test',
		"c\\, IP Address:192.0.2.7",
		"d\nDNS:evil.test",
		"*",
		"e f",
	];
	t.strictSame(namesOf(make(odd)), ["my.test", "my.test"]);
});

t.test("other kinds of names are ignored", async (t) => {
	const { certificate } = makeCertificate({ names: ["uri.test"] });
	// The same certificate with a URI of the same length in place of its name.
	const raw = Buffer.from(new X509Certificate(certificate).raw);
	raw[raw.lastIndexOf(Buffer.concat([Buffer.of(0x82, 8), Buffer.from("uri.test")]))] = 0x86;
	t.match(new X509Certificate(raw).subjectAltName, "URI:uri.test");
	t.strictSame(namesOf(new X509Certificate(raw)), ["uri.test"], "the common name alone");
});

t.test("the hosts that a certificate covers", async (t) => {
	const naming = { names: ["a.example", "*.Wild.example", "192.0.2.1", "*.0.2.1", "*"], organization: null };
	for (const host of ["a.example", "A.example.", "x.wild.example", "192.0.2.1"]) t.ok(coversHost(naming, host), host);
	for (const host of ["b.example", "wild.example", "x.y.wild.example", "193.0.2.1", "*", "", "com"])
		t.notOk(coversHost(naming, host), host);
});

t.test("organizations", async (t) => {
	t.equal(organizationOf(make(["a.example"], "Example & Söhne")), "Example & Söhne");
	t.equal(organizationOf(make(["a.example"])), null);
});

t.test("both, for a certificate in PEM", async (t) => {
	const { certificate } = makeCertificate({ names: ["a.example", "b.example"], organization: "One" });
	const pem = Buffer.from(new X509Certificate(certificate).toString());
	const naming = namingOf(pem);
	t.strictSame(naming, { names: ["a.example", "a.example", "b.example"], organization: "One" });
	t.equal(namingOf(Buffer.from(pem)), naming, "read once");
});
