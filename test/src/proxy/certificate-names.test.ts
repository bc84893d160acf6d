// Names and organizations, as certificates have them.
import { X509Certificate } from "node:crypto";
import t from "tap";
import { makeCertificate } from "../../../fixtures/own-certificate.ts";
import { namesOf, namingOf, organizationOf } from "../../../src/proxy/certificate-names.ts";

const make = (names: string[], organization: string | null = null) => new X509Certificate(makeCertificate({ names, organization }).certificate);

t.test("names, the common one first", async (t) => {
	t.strictSame(namesOf(make(["example.com", "*.example.com", "192.0.2.1"])), ["example.com", "example.com", "*.example.com", "192.0.2.1"]);
	t.strictSame(namesOf(make([`${"a".repeat(70)}.example`])), [`${"a".repeat(70)}.example`], "too long to be a common name");
	t.strictSame(namesOf(make([])), []);
	t.strictSame(namesOf(make(["not a host"])), ["not"], "a common name that can be no host is none");
});

t.test("of very many the first, so that a certificate of ours has room for them", async (t) => {
	const many = Array.from({ length: 2000 }, (_, i) => `host-number-${i}.example`);
	const names = namesOf(make(many));
	t.ok(names.length > 1000 && names.length < 2000);
	t.strictSame(names, [many[0], ...many].slice(0, names.length));
});

t.test("organizations", async (t) => {
	t.equal(organizationOf(make(["a.example"], "Example & Söhne")), "Example & Söhne");
	t.equal(organizationOf(make(["a.example"])), null);
});

t.test("both, of a certificate in PEM", async (t) => {
	const { certificate } = makeCertificate({ names: ["a.example", "b.example"], organization: "One" });
	const pem = Buffer.from(new X509Certificate(certificate).toString());
	const naming = namingOf(pem);
	t.strictSame(naming, { names: ["a.example", "a.example", "b.example"], organization: "One" });
	t.equal(namingOf(Buffer.from(pem)), naming, "read once");
});
