// Parts of all certificates (RFC 5280 section 4): serial number, names, extensions, signature.
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { der, oid, tag } from "./der.ts";

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

/** A distinguished name in DER, with these attributes in this order. */
export function nameOf(...parts: readonly (readonly [attribute: keyof typeof attributes, text: string])[]): Buffer {
	const sets = parts.map(([attribute, text]) =>
		der(tag.set, der(tag.sequence, attributes[attribute], der(tag.utf8String, Buffer.from(text)))),
	);
	return der(tag.sequence, ...sets);
}

const critical = der(tag.boolean, Buffer.from([0xff]));

export function extension(id: Buffer, isCritical: boolean, value: Uint8Array): Buffer {
	return der(tag.sequence, id, ...(isCritical ? [critical] : []), der(tag.octetString, value));
}

/** The extension subjectKeyIdentifier. The authorityKeyIdentifier of certificates that this key signs refers to it. */
export function subjectKeyIdentifier(identifier: Uint8Array): Buffer {
	return extension(oid("2.5.29.14"), false, der(tag.octetString, identifier));
}
