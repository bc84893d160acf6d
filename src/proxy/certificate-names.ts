// Whom a certificate is for.
import { X509Certificate } from "node:crypto";

/** A server may show more than fits a certificate of ours; what it is asked for stands there anyway. Bytes. */
const NAMES_BYTES = 32 * 1024;

/** Names and addresses in a certificate, its common name first; of very many the first. */
export function namesOf(certificate: X509Certificate): string[] {
	const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
	const alternative = [...(certificate.subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,"\s]+)/g)].map((match) => match[1] as string);
	let size = 0;
	const fits = (name: string): boolean => {
		size += name.length + 2;
		return size <= NAMES_BYTES;
	};
	return (common !== undefined && /^[\w*.:-]+$/.test(common) ? [common, ...alternative] : alternative).filter(fits);
}

/** The organization in a certificate's subject. */
export function organizationOf(certificate: X509Certificate): string | null {
	return /^O=(.+)$/m.exec(certificate.subject)?.[1] ?? null;
}

/** Whom a certificate is for, and what it says of who that is. */
export interface Naming {
	readonly names: readonly string[];
	readonly organization: string | null;
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
