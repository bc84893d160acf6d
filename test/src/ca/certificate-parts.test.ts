// What certificates are made of, as Node reads it.
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import t from "tap";
import { extension, nameOf, signCertificate, subjectKeyIdentifier } from "../../../src/ca/certificate-parts.ts";
import { der, oid, tag, time } from "../../../src/ca/der.ts";

t.test("a certificate that is signed with a key of either type", async (t) => {
	const name = nameOf(["organizationName", "ä"], ["commonName", "b"]);
	const validity = der(tag.sequence, time(new Date("2030-01-01T00:00:00Z")), time(new Date("2060-01-01T00:00:00Z")));
	for (const { privateKey, publicKey } of [
		generateKeyPairSync("ec", { namedCurve: "P-256" }),
		generateKeyPairSync("rsa", { modulusLength: 2048 }),
	]) {
		const extensions = [extension(oid("2.5.29.19"), true, der(tag.sequence)), subjectKeyIdentifier(Buffer.from("id"))];
		const fields = {
			issuer: name,
			subject: name,
			validity,
			publicKey: publicKey.export({ type: "spki", format: "der" }),
			extensions,
		};
		const certificate = new X509Certificate(signCertificate(fields, privateKey));
		t.ok(certificate.verify(publicKey));
		t.equal(certificate.subject, "O=ä\nCN=b");
		t.equal(new Date(certificate.validTo).toISOString(), "2060-01-01T00:00:00.000Z");
		t.not(new X509Certificate(signCertificate(fields, privateKey)).serialNumber, certificate.serialNumber);
	}
});
