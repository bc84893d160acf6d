// Mints leaf certificates with the names, extensions and dates that today's clients require.
import type { KeyObject } from "node:crypto";
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { extension, nameOf, signCertificate, subjectKeyIdentifier } from "./certificate-parts.ts";
import { der, oid, tag, time } from "./der.ts";

const day = 86_400_000;

/** How long before its creation a leaf is valid, because clocks of clients may be slow. */
const backdatedMs = 2 * day;

/**
 * From 2026 on, browsers reject server certificates that are valid for more than 200 days, including the days before
 * today.
 */
const validityMs = 180 * day;

/** A leaf that expires sooner than this is replaced. */
const renewalMs = 30 * day;

/** Upper bound of common and organization names (RFC 5280 appendix A.1). Characters. */
const maxNameLength = 64;

/** The authority that signs leaves. */
export interface Issuer {
	key: KeyObject;
	/** The authority's subject in DER, copied from its certificate. */
	subject: Uint8Array;
	/** The authority's subject key identifier; null if its certificate has none. */
	keyIdentifier: Uint8Array | null;
	/** When the authority's certificate expires. */
	validTo: Date;
}

/** The fields of a leaf that depend on the server and on the leaf's key. */
export interface LeafSubject {
	/** As returned by `normalizeNames`; the first one is the common name. */
	names: readonly string[];
	organization: string | null;
	/** The leaf's public key in DER (SubjectPublicKeyInfo). */
	publicKey: Uint8Array;
}

/**
 * Host names and addresses in the form used in certificates and for comparison: lower case, international names in
 * ASCII, no brackets, no trailing dot, no duplicates. Text that cannot be the name of a host is left out.
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

/**
 * Labels of letters, digits, hyphens and underscores. The first of several may be a wildcard; "*" alone would match any
 * host.
 */
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i;

/** Whether text can be the name or the address of a host in a certificate. */
export function isNameOfHost(text: string): boolean {
	return isIP(text) !== 0 || (text.length <= 253 && HOST_NAME.test(text));
}

/**
 * Whether a leaf must be replaced: it expires soon, or the clock was set back to before its notBefore. `made` and
 * `now`: milliseconds since 1970.
 */
export function isStale(made: number, now: number): boolean {
	return now - made > validityMs - backdatedMs - renewalMs || now < made - backdatedMs;
}

/** A leaf certificate in DER, signed with the issuer's key. `from`: its notBefore. */
export function mintLeaf(
	issuer: Issuer,
	leaf: LeafSubject,
	now: Date = new Date(),
	from: Date = new Date(now.getTime() - backdatedMs),
): Buffer {
	const subject = subjectName(leaf);
	const notAfter = Math.min(now.getTime() - backdatedMs + validityMs, issuer.validTo.getTime());
	const extensions = extensionsOf(issuer, leaf, subject.length === 2);
	const validity = der(tag.sequence, time(from), time(new Date(notAfter)));
	return signCertificate(
		{ issuer: issuer.subject, validity, subject, publicKey: leaf.publicKey, extensions },
		issuer.key,
	);
}

function subjectName({ names, organization }: LeafSubject): Buffer {
	const fits = (text: string | null | undefined): text is string => !!text && text.length <= maxNameLength;
	return nameOf(
		...(fits(organization) ? [["organizationName", organization] as const] : []),
		...(fits(names[0]) ? [["commonName", names[0]] as const] : []),
	);
}

const constraints = [
	extension("basicConstraints", true, der(tag.sequence)),
	// digitalSignature, one bit of eight
	extension("keyUsage", true, der(tag.bitString, Buffer.from([7, 0x80]))),
	// serverAuth
	extension("extKeyUsage", false, der(tag.sequence, oid("1.3.6.1.5.5.7.3.1"))),
];

function extensionsOf(issuer: Issuer, leaf: LeafSubject, subjectIsEmpty: boolean): Buffer[] {
	return [
		...constraints,
		// RFC 5280 section 4.2.1.6: critical if the subject is empty
		extension("subjectAltName", subjectIsEmpty, der(tag.sequence, ...leaf.names.map(generalName))),
		subjectKeyIdentifier(leaf.publicKey),
		...(issuer.keyIdentifier
			? [extension("authorityKeyIdentifier", false, der(tag.sequence, der(0x80, issuer.keyIdentifier)))]
			: []),
	];
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
