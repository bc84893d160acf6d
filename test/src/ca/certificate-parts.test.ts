// Parts of certificates, checked with Node's parser.
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import t from "tap";
import {
	extension,
	nameOf,
	readExtension,
	readSubject,
	readSubjectAttribute,
	signCertificate,
	subjectKeyIdentifier,
} from "../../../src/ca/certificate-parts.ts";
import { der, tag, time } from "../../../src/ca/der.ts";

t.test("a certificate signed with an EC key or an RSA key", async (t) => {
	const name = nameOf(["organizationName", "ä"], ["commonName", "b"]);
	const validity = der(tag.sequence, time(new Date("2030-01-01T00:00:00Z")), time(new Date("2060-01-01T00:00:00Z")));
	for (const { privateKey, publicKey } of [
		generateKeyPairSync("ec", { namedCurve: "P-256" }),
		generateKeyPairSync("rsa", { modulusLength: 2048 }),
	]) {
		const spki = publicKey.export({ type: "spki", format: "der" });
		const extensions = [extension("basicConstraints", true, der(tag.sequence)), subjectKeyIdentifier(spki)];
		const fields = { issuer: name, subject: name, validity, publicKey: spki, extensions };
		const certificate = new X509Certificate(signCertificate(fields, privateKey));
		t.ok(certificate.verify(publicKey));
		t.ok(readSubject(certificate.raw)?.raw.equals(name));
		t.equal(readSubjectAttribute(certificate.raw, "commonName")?.content.toString(), "b");
		t.equal(readExtension(certificate.raw, "subjectKeyIdentifier")?.content.length, 20);
		t.equal(readExtension(certificate.raw, "subjectAltName"), undefined);
		t.equal(certificate.subject, "O=ä\nCN=b");
		t.equal(new Date(certificate.validTo).toISOString(), "2060-01-01T00:00:00.000Z");
		t.not(new X509Certificate(signCertificate(fields, privateKey)).serialNumber, certificate.serialNumber);
	}
});
