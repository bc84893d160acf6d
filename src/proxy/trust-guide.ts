// What the onboarding page tells of the authority.
import type { TrustGuide } from "../hooks/context.ts";
import type { CertificateAuthority } from "./ca.ts";
import { certificateFacts, shellText, trustStores } from "./trust-stores.ts";

/** Certificates as they are called once they are downloaded. */
const DOWNLOADED = "flowtape-ca.pem";

export function createTrustGuide({ certificate, certificatePem }: Pick<CertificateAuthority, "certificate" | "certificatePem">): TrustGuide {
	const facts = certificateFacts(certificate, DOWNLOADED);
	return {
		certificate: async (format) => (await import("./ca-export.ts")).exportCertificate(certificatePem, format),
		fingerprint: certificate.fingerprint256,
		systems: trustStores.map(({ title, trust }) => ({ title, commands: trust(facts).map((command) => shellText(command)) })),
	};
}
