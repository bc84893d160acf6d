// What the onboarding page tells of the authority.
import type { CertificateAuthority } from "./authority.ts";
import { type CertificateFormat, exportCertificate } from "./export.ts";
import { certificateFacts, shellText, trustStores } from "./trust-stores.ts";

/** Certificates as they are called once they are downloaded. */
const DOWNLOADED = "flowtape-ca.pem";

/** For the context of hooks. */
export function createTrustGuide({ certificate, certificatePem }: Pick<CertificateAuthority, "certificate" | "certificatePem">) {
	const facts = certificateFacts(certificate, DOWNLOADED);
	return {
		certificate: (format: CertificateFormat) => exportCertificate(certificatePem, format),
		fingerprint: certificate.fingerprint256,
		systems: trustStores.map(({ title, trust }) => ({ title, commands: trust(facts).map((command) => shellText(command)) })),
	};
}
