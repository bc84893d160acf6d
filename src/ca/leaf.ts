// Writes the certificate that the proxy shows for a host: names, extensions and dates that today's clients ask for.
import { type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { der, oid, tag, time } from "./der.ts";

const day = 86_400_000;

/** Clocks of clients may be slow. */
const backdatedMs = 2 * day;

/** From 2026 on browsers refuse server certificates that are valid for more than 200 days, those before today counted. */
const validityMs = 180 * day;

/** A leaf that is left for less than this is made anew. */
const renewalMs = 30 * day;

/** Upper bound of common and organization names, RFC 5280 appendix A.1. */
const maxNameLength = 64;

/** What signs leaves. */
export interface Issuer {
	key: KeyObject;
	/** The authority's subject as it stands in its certificate, in DER. */
	subject: Uint8Array;
	/** The authority's subject key identifier; null where its certificate has none. */
	keyIdentifier: Uint8Array | null;
	/** When the authority itself ends. */
	validTo: Date;
}

/** What a leaf says about the server it stands for. */
export interface LeafSubject {
	/** As `normalizeNames` gives them; the first is the common name. */
	names: readonly string[];
	organization: string | null;
	/** The leaf's public key in DER (SubjectPublicKeyInfo), and its identifier. */
	publicKey: Uint8Array;
	keyIdentifier: Uint8Array;
}

/**
 * Host names and addresses in the form that certificates and comparison want: lower case, international names in ASCII, no brackets, no
 * trailing dot, each once. What cannot be the name of a host is left out.
 */
export function normalizeNames(names: Iterable<string | null | undefined>): string[] {
	const unique = new Set<string>();
	for (const name of names) {
		const normal = name ? normalizeName(name) : "";
		if (normal !== "") unique.add(normal);
	}
	return [...unique];
}

function normalizeName(name: string): string {
	const bare = name
		.replace(/^\[(.*)\]$/, "$1")
		.replace(/%.*$/, "")
		.replace(/\.$/, "")
		.toLowerCase();
	if (isIP(bare) !== 0) return bare;
	const ascii = /^[\x21-\x7e]+$/.test(bare) ? bare : domainToASCII(bare);
	return isNameOfHost(ascii) ? ascii : "";
}

/** Labels of letters, digits, hyphens and underscores, the first of several perhaps a wildcard: "*" alone would stand for any host. */
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i;

/** Whether text can be the name or the address of a host in a certificate. */
export function isNameOfHost(text: string): boolean {
	return isIP(text) !== 0 || (text.length <= 253 && HOST_NAME.test(text));
}

/** Whether a leaf that was made at this time is to be made anew: it ends soon, or clocks have gone back behind its beginning. */
export function isStale(made: number, now: number): boolean {
	return now - made > validityMs - backdatedMs - renewalMs || now < made - backdatedMs;
}

/** A leaf certificate in DER, signed with the issuer's key. `from`: since when it is valid. */
export function mintLeaf(issuer: Issuer, leaf: LeafSubject, now: Date = new Date(), from: Date = new Date(now.getTime() - backdatedMs)): Buffer {
	const signature = signatureAlgorithm(issuer.key);
	const subject = subjectName(leaf);
	const notAfter = Math.min(now.getTime() - backdatedMs + validityMs, issuer.validTo.getTime());
	const toBeSigned = der(
		tag.sequence,
		der(0xa0, der(tag.integer, Buffer.from([2]))),
		der(tag.integer, serialNumber()),
		signature,
		issuer.subject,
		der(tag.sequence, time(from), time(new Date(notAfter))),
		subject,
		leaf.publicKey,
		der(0xa3, der(tag.sequence, ...extensions(issuer, leaf, subject.length === 2))),
	);
	return der(tag.sequence, toBeSigned, signature, bits(sign("sha256", toBeSigned, issuer.key)));
}

const sha256WithRsa = der(tag.sequence, oid("1.2.840.113549.1.1.11"), Buffer.from([0x05, 0x00]));
const ecdsaWithSha256 = der(tag.sequence, oid("1.2.840.10045.4.3.2"));

function signatureAlgorithm(key: KeyObject): Buffer {
	return key.asymmetricKeyType === "ec" ? ecdsaWithSha256 : sha256WithRsa;
}

/** 127 random bits: a serial number is positive and must never come twice from one issuer. */
function serialNumber(): Buffer {
	const bytes = randomBytes(16);
	// Neither negative nor with a leading zero byte, which DER forbids.
	bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
	return bytes;
}

function bits(bytes: Uint8Array): Buffer {
	return der(tag.bitString, Buffer.from([0]), bytes);
}

const commonName = oid("2.5.4.3");
const organizationName = oid("2.5.4.10");

function subjectName({ names, organization }: LeafSubject): Buffer {
	const attribute = (type: Buffer, text: string | null | undefined): Buffer[] =>
		text && text.length <= maxNameLength ? [der(tag.set, der(tag.sequence, type, der(tag.utf8String, Buffer.from(text))))] : [];
	return der(tag.sequence, ...attribute(organizationName, organization), ...attribute(commonName, names[0]));
}

const critical = der(tag.boolean, Buffer.from([0xff]));
const subjectAltName = oid("2.5.29.17");
const constraints = [
	extension(oid("2.5.29.19"), true, der(tag.sequence)),
	// digitalSignature, one bit of eight
	extension(oid("2.5.29.15"), true, der(tag.bitString, Buffer.from([7, 0x80]))),
	// serverAuth
	extension(oid("2.5.29.37"), false, der(tag.sequence, oid("1.3.6.1.5.5.7.3.1"))),
];

function extensions(issuer: Issuer, leaf: LeafSubject, subjectIsEmpty: boolean): Buffer[] {
	return [
		...constraints,
		// RFC 5280 4.2.1.6: critical where there is no other name
		extension(subjectAltName, subjectIsEmpty, der(tag.sequence, ...leaf.names.map(generalName))),
		extension(oid("2.5.29.14"), false, der(tag.octetString, leaf.keyIdentifier)),
		...(issuer.keyIdentifier ? [extension(oid("2.5.29.35"), false, der(tag.sequence, der(0x80, issuer.keyIdentifier)))] : []),
	];
}

function extension(id: Buffer, isCritical: boolean, value: Buffer): Buffer {
	return der(tag.sequence, id, ...(isCritical ? [critical] : []), der(tag.octetString, value));
}

function generalName(name: string): Buffer {
	const kind = isIP(name);
	if (kind === 4) return der(0x87, Buffer.from(name.split(".").map(Number)));
	return kind === 6 ? der(0x87, ipv6Bytes(name)) : der(0x82, Buffer.from(name, "latin1"));
}

/** The sixteen bytes of an address that `isIPv6` accepts. */
function ipv6Bytes(address: string): Buffer {
	const groups = (part: string): number[] => {
		if (part === "") return [];
		return part.split(":").flatMap((group) => {
			if (!group.includes(".")) return [Number.parseInt(group, 16)];
			const [a = 0, b = 0, c = 0, d = 0] = group.split(".").map(Number);
			return [a * 256 + b, c * 256 + d];
		});
	};
	const [head = "", tail] = address.split("::");
	const front = groups(head);
	const back = tail === undefined ? [] : groups(tail);
	const bytes = Buffer.alloc(16);
	for (const [at, group] of front.entries()) bytes.writeUInt16BE(group, at * 2);
	for (const [at, group] of back.entries()) bytes.writeUInt16BE(group, (8 - back.length + at) * 2);
	return bytes;
}
