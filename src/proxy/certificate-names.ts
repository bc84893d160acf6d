// Whom a certificate is for.
import type { X509Certificate } from "node:crypto";

/** Names and addresses in a certificate, its common name first. */
export function namesOf(certificate: X509Certificate): string[] {
	const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
	const alternative = [...(certificate.subjectAltName ?? "").matchAll(/(?:DNS|IP Address):([^,"\s]+)/g)].map((match) => match[1] as string);
	return common !== undefined && /^[\w*.:-]+$/.test(common) ? [common, ...alternative] : alternative;
}

/** The organization in a certificate's subject. */
export function organizationOf(certificate: X509Certificate): string | null {
	return /^O=(.+)$/m.exec(certificate.subject)?.[1] ?? null;
}
