// The part of the onboarding page about the authority: its certificate, its fingerprint, and the commands to trust it.
import type { CertificateAuthority } from "./authority.ts";
import { type CertificateFormat, exportCertificate } from "./export.ts";
import { certificateInfo, shellText, trustStores } from "./trust-stores.ts";

/** The name of the downloaded certificate file. */
const DOWNLOADED = "flowtape-ca.pem";

/** Creates the guide that hooks get from their context. */
export function createTrustGuide({
	certificate,
	certificatePem,
}: Pick<CertificateAuthority, "certificate" | "certificatePem">) {
	const info = certificateInfo(certificate, DOWNLOADED);
	return {
		certificate: (format: CertificateFormat) => exportCertificate(certificatePem, format),
		fingerprint: certificate.fingerprint256,
		systems: trustStores.map(({ title, trust }) => ({
			title,
			commands: trust(info).map((command) => shellText(command)),
		})),
	};
}
