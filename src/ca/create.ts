// Creates a certificate authority: a permanent one, usually once per machine, or an ephemeral one for a single run.
import { createHash, generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { extension, nameOf, signCertificate, subjectKeyIdentifier } from "./certificate-parts.ts";
import { certificatePem, der, oid, tag, time } from "./der.ts";

const validYears = 10;

/** The kind of authority to create. */
export interface AuthorityOptions {
	/**
	 * `rsa` (default): for a permanent authority, because every client accepts RSA. `ec` (P-256): for an ephemeral
	 * authority, because its key is created in a thousandth of the time.
	 */
	keyType?: "rsa" | "ec" | undefined;
	/** Size of the RSA key in bits; default 2048. */
	keySize?: number | undefined;
	/**
	 * notBefore of its certificate; default: two days ago, as clocks of other machines (containers, phones) may be slow.
	 */
	from?: Date | undefined;
}

/** A new authority in PEM. */
interface AuthorityPem {
	keyPem: string;
	certificatePem: string;
}

/** Creates an authority with a random key, a random name and a random serial number. It is valid for ten years. */
export async function createAuthority(now: Date = new Date(), options: AuthorityOptions = {}): Promise<AuthorityPem> {
	const from = options.from ?? new Date(now.getTime() - 2 * 86_400_000);
	const until = new Date(Date.UTC(now.getUTCFullYear() + validYears, now.getUTCMonth(), now.getUTCDate()));
	// The name is random too: a client that looks up authorities by name must not find that of another machine or an
	// earlier one.
	const name = { organizationName: "flowtape", commonName: `flowtape CA ${randomBytes(4).toString("hex")}` };
	return options.keyType === "ec"
		? createWithEc(name, from, until)
		: createWithRsa(name, from, until, options.keySize ?? 2048);
}

interface AuthorityName {
	organizationName: string;
	commonName: string;
}

async function createWithRsa(
	name: AuthorityName,
	from: Date,
	until: Date,
	modulusLength: number,
): Promise<AuthorityPem> {
	const { default: forge } = await import("node-forge");
	const { privateKey: keyPem, publicKey } = await promisify(generateKeyPair)("rsa", {
		modulusLength,
		privateKeyEncoding: { type: "pkcs8", format: "pem" },
		publicKeyEncoding: { type: "spki", format: "pem" },
	});
	const certificate = forge.pki.createCertificate();
	certificate.publicKey = forge.pki.publicKeyFromPem(publicKey);
	// The first hexadecimal digit keeps the number positive and without a leading zero byte.
	certificate.serialNumber = `4${randomBytes(16).toString("hex").slice(1)}`;
	certificate.validity.notBefore = from;
	certificate.validity.notAfter = until;
	const attributes = Object.entries(name).map(([attribute, value]) => ({ name: attribute, value }));
	certificate.setSubject(attributes);
	certificate.setIssuer(attributes);
	certificate.setExtensions([
		{ name: "basicConstraints", cA: true, critical: true },
		{ name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
		{ name: "subjectKeyIdentifier" },
	]);
	certificate.sign(forge.pki.privateKeyFromPem(keyPem), forge.md.sha256.create());
	return { keyPem, certificatePem: forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n") };
}

/** Does without node-forge, which does not support elliptic curves. */
async function createWithEc(
	{ organizationName, commonName }: AuthorityName,
	from: Date,
	until: Date,
): Promise<AuthorityPem> {
	const { privateKey, publicKey } = await promisify(generateKeyPair)("ec", { namedCurve: "P-256" });
	const spki = publicKey.export({ type: "spki", format: "der" });
	const name = nameOf(["organizationName", organizationName], ["commonName", commonName]);
	const certificate = signCertificate(
		{
			issuer: name,
			subject: name,
			publicKey: spki,
			validity: der(tag.sequence, time(from), time(until)),
			extensions: [...usage, subjectKeyIdentifier(createHash("sha1").update(spki).digest())],
		},
		privateKey,
	);
	return {
		keyPem: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
		certificatePem: certificatePem(certificate),
	};
}

const usage = [
	// basicConstraints: cA
	extension(oid("2.5.29.19"), true, der(tag.sequence, der(tag.boolean, Buffer.from([0xff])))),
	// keyUsage: keyCertSign and cRLSign, the sixth and seventh bit
	extension(oid("2.5.29.15"), true, der(tag.bitString, Buffer.from([1, 0x06]))),
];
