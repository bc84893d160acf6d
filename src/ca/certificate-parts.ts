// Parts of all certificates (RFC 5280 section 4), written and read: serial number, names, extensions, signature.
import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
import { NO_BYTES } from "../flow/bytes.ts";
import { der, type Element, oid, readElements, tag } from "./der.ts";

const sha256WithRsa = der(tag.sequence, oid("1.2.840.113549.1.1.11"), der(tag.null));
const ecdsaWithSha256 = der(tag.sequence, oid("1.2.840.10045.4.3.2"));

/** The fields of a TBSCertificate that the caller provides (RFC 5280 section 4.1). */
export interface CertificateFields {
	/** The issuer's name in DER. */
	readonly issuer: Uint8Array;
	readonly validity: Uint8Array;
	/** The subject's name in DER. */
	readonly subject: Uint8Array;
	/** SubjectPublicKeyInfo in DER. */
	readonly publicKey: Uint8Array;
	readonly extensions: readonly Uint8Array[];
}

/**
 * A certificate in DER with a random serial number, signed by `key`, the issuer's private key (RSA or EC) with SHA-256.
 */
export function signCertificate(
	{ issuer, validity, subject, publicKey, extensions }: CertificateFields,
	key: KeyObject,
): Buffer {
	const algorithm = key.asymmetricKeyType === "ec" ? ecdsaWithSha256 : sha256WithRsa;
	const toBeSigned = der(
		tag.sequence,
		der(0xa0, der(tag.integer, Buffer.from([2]))),
		der(tag.integer, serialNumber()),
		...[algorithm, issuer, validity, subject, publicKey],
		der(0xa3, der(tag.sequence, ...extensions)),
	);
	return der(
		tag.sequence,
		toBeSigned,
		algorithm,
		der(tag.bitString, Buffer.from([0]), sign("sha256", toBeSigned, key)),
	);
}

/** A positive number with 126 random bits, so that no issuer uses the same serial number twice. */
function serialNumber(): Buffer {
	const bytes = randomBytes(16);
	// neither negative nor with a leading zero byte, which DER forbids
	bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
	return bytes;
}

const attributes = { commonName: oid("2.5.4.3"), organizationName: oid("2.5.4.10") } as const;

type Attribute = keyof typeof attributes;

/** A distinguished name in DER, with these attributes in this order. */
export function nameOf(...parts: readonly (readonly [attribute: Attribute, text: string])[]): Buffer {
	const sets = parts.map(([attribute, text]) =>
		der(tag.set, der(tag.sequence, attributes[attribute], der(tag.utf8String, Buffer.from(text)))),
	);
	return der(tag.sequence, ...sets);
}

const extensions = {
	subjectKeyIdentifier: oid("2.5.29.14"),
	keyUsage: oid("2.5.29.15"),
	subjectAltName: oid("2.5.29.17"),
	basicConstraints: oid("2.5.29.19"),
	authorityKeyIdentifier: oid("2.5.29.35"),
	extKeyUsage: oid("2.5.29.37"),
} as const;

type Extension = keyof typeof extensions;

const critical = der(tag.boolean, Buffer.from([0xff]));

export function extension(name: Extension, isCritical: boolean, value: Uint8Array): Buffer {
	return der(tag.sequence, extensions[name], ...(isCritical ? [critical] : []), der(tag.octetString, value));
}

/**
 * The extension subjectKeyIdentifier for a public key in DER. The authorityKeyIdentifier of certificates that this key
 * signs refers to it.
 */
export function subjectKeyIdentifier(publicKey: Uint8Array): Buffer {
	const identifier = createHash("sha1").update(publicKey).digest();
	return extension("subjectKeyIdentifier", false, der(tag.octetString, identifier));
}

// — reading —

/** The tags of the optional fields `version` and `extensions`. */
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;

/**
 * The fields of a TBSCertificate: [version], serial number, signature, issuer, validity, subject, key, …
 * @throws RangeError if the DER is damaged
 */
function readFields(certificate: Buffer): Element[] {
	const [whole] = readElements(certificate);
	const [body] = readElements(contentOf(whole));
	return readElements(contentOf(body));
}

/**
 * The subject of a certificate in DER.
 * @throws RangeError if the DER is damaged
 */
export function readSubject(certificate: Buffer): Element | undefined {
	const fields = readFields(certificate);
	return fields[fields[0]?.tag === VERSION ? 5 : 4];
}

/**
 * The first attribute of this kind in the subject of a certificate in DER.
 * @throws RangeError if the DER is damaged
 */
export function readSubjectAttribute(certificate: Buffer, name: Attribute): Element | undefined {
	for (const set of readElements(contentOf(readSubject(certificate)))) {
		for (const attribute of readElements(set.content)) {
			const [id, value] = readElements(attribute.content);
			if (id?.raw.equals(attributes[name])) return value;
		}
	}
	return undefined;
}

/**
 * The value of an extension of a certificate in DER.
 * @throws RangeError if the DER is damaged
 */
export function readExtension(certificate: Buffer, name: Extension): Element | undefined {
	const [list] = readElements(contentOf(readFields(certificate).find((field) => field.tag === EXTENSIONS)));
	for (const { content } of readElements(contentOf(list))) {
		const [id, ...rest] = readElements(content);
		if (id?.raw.equals(extensions[name])) return readElements(contentOf(rest.at(-1)))[0];
	}
	return undefined;
}

function contentOf(element: Element | undefined): Buffer {
	return element?.content ?? NO_BYTES;
}
