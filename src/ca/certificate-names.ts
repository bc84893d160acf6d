// Reads subject and subjectAltName of a certificate from its DER. Node returns all names as one line of text, in which
// one name can look like several.
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { asBuffer, NO_BYTES } from "../flow/bytes.ts";
import { RecentMap } from "../flow/recent-map.ts";
import { readExtension, readSubjectAttribute } from "./certificate-parts.ts";
import { type Element, readElements } from "./der.ts";
import { isNameOfHost, normalizeNames } from "./leaf.ts";

/**
 * Upper limit for the names that a leaf takes from a server's certificate. The requested host is not counted. Bytes.
 */
const NAMES_BYTES = 32 * 1024;

/** Host names and addresses in a certificate, up to NAMES_BYTES, with the common name first. */
export function namesOf({ raw }: X509Certificate): string[] {
	let size = 0;
	const fits = (name: string): boolean => {
		size += name.length + 2;
		return size <= NAMES_BYTES;
	};
	const common = subjectText(raw, "commonName");
	return [...(common === null ? [] : [common]), ...alternativeNames(raw)]
		.filter((name) => isNameOfHost(name))
		.filter(fits);
}

/** The organization in a certificate's subject. */
export function organizationOf({ raw }: X509Certificate): string | null {
	return subjectText(raw, "organizationName");
}

/** The hosts and the organization that a certificate names. */
export interface Naming {
	readonly names: readonly string[];
	readonly organization: string | null;
}

/**
 * Whether a certificate covers a host: by its name, or by a wildcard in place of its first label (RFC 6125 section
 * 6.4.3).
 */
export function coversHost({ names }: Naming, host: string): boolean {
	const [wanted = ""] = normalizeNames([host]);
	const wildcard = wanted.replace(/^[^.]+/, "*");
	return (
		wanted !== "" && normalizeNames(names).some((name) => name === wanted || (name === wildcard && isIP(wanted) === 0))
	);
}

/** By certificate. */
const cache = new RecentMap<string, Naming>(1000);

/**
 * `namesOf` and `organizationOf` for a certificate in PEM. They are cached, as parsing is slow and servers show the
 * same certificate again and again.
 */
export function namingOf(pem: Uint8Array): Naming {
	const key = asBuffer(pem).latin1Slice();
	let naming = cache.get(key);
	if (naming === undefined) {
		const certificate = new X509Certificate(pem);
		naming = { names: namesOf(certificate), organization: organizationOf(certificate) };
		cache.set(key, naming);
	}
	return naming;
}

// — DER —

/** The first attribute of this kind in the subject. */
function subjectText(certificate: Buffer, name: "commonName" | "organizationName"): string | null {
	return attempt(() => {
		const value = readSubjectAttribute(certificate, name);
		return value === undefined ? null : textOf(value);
	}, null);
}

const UTF8 = 0x0c;
/** UTF-16, big-endian. */
const BMP = 0x1e;

function textOf({ tag, content }: Element): string {
	if (tag === UTF8) return content.toString("utf8");
	return tag === BMP && content.length % 2 === 0
		? Buffer.from(content).swap16().toString("utf16le")
		: content.latin1Slice();
}

/** The tags of a GeneralName (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

function alternativeNames(certificate: Buffer): string[] {
	return attempt(() => {
		const names = readExtension(certificate, "subjectAltName");
		return readElements(names?.content ?? NO_BYTES).flatMap(({ tag, content }) => {
			if (tag === DNS_NAME) return [content.latin1Slice()];
			return tag === IP_ADDRESS ? addressOf(content) : [];
		});
	}, []);
}

function addressOf(bytes: Buffer): string[] {
	if (bytes.length === 4) return [bytes.join(".")];
	if (bytes.length !== 16) return [];
	return [Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":")];
}

/** Returns `otherwise` if the DER cannot be parsed: OpenSSL may accept an encoding that this file does not support. */
function attempt<T>(parse: () => T, otherwise: T): T {
	try {
		return parse();
	} catch {
		return otherwise;
	}
}
