// Whom a certificate is for. Read from its DER: Node's text of it has all names in one line, in which a name can look like several.
import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { type Element, oid, readElements } from "./der.ts";
import { isNameOfHost, normalizeNames } from "./leaf.ts";

/** A server may show more than fits a certificate of ours; what it is asked for stands there anyway. Bytes. */
const NAMES_BYTES = 32 * 1024;

/** Names and addresses of hosts in a certificate, its common name first; of very many the first. */
export function namesOf({ raw }: X509Certificate): string[] {
	let size = 0;
	const fits = (name: string): boolean => {
		size += name.length + 2;
		return size <= NAMES_BYTES;
	};
	const common = subjectText(raw, commonName);
	return [...(common === null ? [] : [common]), ...alternativeNames(raw)].filter((name) => isNameOfHost(name)).filter(fits);
}

/** The organization in a certificate's subject. */
export function organizationOf({ raw }: X509Certificate): string | null {
	return subjectText(raw, organizationName);
}

/** Whom a certificate is for, and what it says of who that is. */
export interface Naming {
	readonly names: readonly string[];
	readonly organization: string | null;
}

/** Whether a certificate with these names is for a host: one of them is its name, or a wildcard in place of its first label (RFC 6125 section 6.4.3). */
export function isFor({ names }: Naming, host: string): boolean {
	const [asked = ""] = normalizeNames([host]);
	const wildcard = asked.replace(/^[^.]+/, "*");
	return asked !== "" && normalizeNames(names).some((name) => name === asked || (name === wildcard && isIP(asked) === 0));
}

const read = new Map<string, Naming>();
const READ_COUNT = 1000;

/** As `namesOf` and `organizationOf`, of a certificate in PEM: servers show the same one again and again, and to parse it takes long. */
export function namingOf(pem: Uint8Array): Naming {
	const key = Buffer.from(pem.buffer, pem.byteOffset, pem.byteLength).latin1Slice();
	let naming = read.get(key);
	if (naming === undefined) {
		const certificate = new X509Certificate(pem);
		naming = { names: namesOf(certificate), organization: organizationOf(certificate) };
		read.set(key, naming);
		if (read.size > READ_COUNT) read.delete(read.keys().next().value as string);
	}
	return naming;
}

// — DER —

const commonName = oid("2.5.4.3");
const organizationName = oid("2.5.4.10");
const subjectAltName = oid("2.5.29.17");

/** The elements of the certificate's body (RFC 5280 section 4.1): [version], serial, signature, issuer, validity, subject, key, … */
function bodyOf(certificate: Buffer): Element[] {
	const [outer] = readElements(certificate);
	const [body] = readElements(outer?.content ?? Buffer.alloc(0));
	return readElements(body?.content ?? Buffer.alloc(0));
}

/** The first attribute of this type in the subject. */
function subjectText(certificate: Buffer, type: Buffer): string | null {
	return attempt(() => {
		const fields = bodyOf(certificate);
		const subject = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
		for (const set of readElements(subject?.content ?? Buffer.alloc(0))) {
			for (const attribute of readElements(set.content)) {
				const [id, value] = readElements(attribute.content);
				if (id?.raw.equals(type) && value !== undefined) return textOf(value);
			}
		}
		return null;
	}, null);
}

const UTF8 = 0x0c;
/** UTF-16, the high byte first. */
const BMP = 0x1e;

function textOf({ tag, content }: Element): string {
	if (tag === UTF8) return content.toString("utf8");
	return tag === BMP && content.length % 2 === 0 ? Buffer.from(content).swap16().toString("utf16le") : content.latin1Slice();
}

/** The tags of a GeneralName (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 0x82;
const IP_ADDRESS = 0x87;

function alternativeNames(certificate: Buffer): string[] {
	return attempt(() => {
		const list = bodyOf(certificate).find(({ tag }) => tag === 0xa3);
		for (const extension of readElements(readElements(list?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0))) {
			const [id, ...rest] = readElements(extension.content);
			const value = rest.at(-1);
			if (!id?.raw.equals(subjectAltName) || value === undefined) continue;
			return readElements(readElements(value.content)[0]?.content ?? Buffer.alloc(0)).flatMap(({ tag, content }) => {
				if (tag === DNS_NAME) return [content.latin1Slice()];
				return tag === IP_ADDRESS ? addressOf(content) : [];
			});
		}
		return [];
	}, []);
}

function addressOf(bytes: Buffer): string[] {
	if (bytes.length === 4) return [bytes.join(".")];
	if (bytes.length !== 16) return [];
	return [Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(2 * i).toString(16)).join(":")];
}

/** A certificate that OpenSSL takes may still be written in a way that we do not read: then nothing is taken over. */
function attempt<T>(parse: () => T, otherwise: T): T {
	try {
		return parse();
	} catch {
		return otherwise;
	}
}
