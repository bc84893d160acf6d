// Makes a new certificate authority, once in a machine's life. The only door to node-forge, which is loaded for this alone.
import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import forge from "node-forge";

const validYears = 10;

/**
 * A new authority, key and certificate in PEM, that exists nowhere else: its key, of `keySize` bits, its name and serial number are random.
 * @param from since when it is valid; two days ago, as clocks of other machines (containers, phones) may be slow
 */
export async function createAuthority(
	now: Date = new Date(),
	keySize = 2048,
	from: Date = new Date(now.getTime() - 2 * 86_400_000),
): Promise<{ keyPem: string; certificatePem: string }> {
	const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
		modulusLength: keySize,
		privateKeyEncoding: { type: "pkcs8", format: "pem" },
		publicKeyEncoding: { type: "spki", format: "pem" },
	});
	const serial = randomBytes(16).toString("hex");
	const certificate = forge.pki.createCertificate();
	certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
	// The first digit keeps it positive and without a leading zero byte.
	certificate.serialNumber = `4${serial.slice(1)}`;
	certificate.validity.notBefore = from;
	certificate.validity.notAfter = new Date(Date.UTC(now.getUTCFullYear() + validYears, now.getUTCMonth(), now.getUTCDate()));
	// The name is unique too: clients that look authorities up by name must not find that of another machine or of an earlier one.
	const name = [
		{ name: "organizationName", value: "flowtape" },
		{ name: "commonName", value: `flowtape CA ${serial.slice(-8)}` },
	];
	certificate.setSubject(name);
	certificate.setIssuer(name);
	certificate.setExtensions([
		{ name: "basicConstraints", cA: true, critical: true },
		{ name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
		{ name: "subjectKeyIdentifier" },
	]);
	certificate.sign(forge.pki.privateKeyFromPem(privateKey), forge.md.sha256.create());
	return { keyPem: privateKey, certificatePem: forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n") };
}
