// The authority's certificate as PEM, DER or PKCS #12. Only the rarely used PKCS #12 loads node-forge.
import { X509Certificate } from "node:crypto";

export const certificateFormats = ["pem", "der", "p12"] as const;

export type CertificateFormat = (typeof certificateFormats)[number];

/** The certificate, without its key. A p12 file has an empty password. */
export async function exportCertificate(pem: string, format: CertificateFormat): Promise<Buffer> {
	switch (format) {
		case "pem":
			return Buffer.from(pem);
		case "der":
			return new X509Certificate(pem).raw;
		case "p12":
			return toPkcs12(pem);
	}
}

async function toPkcs12(pem: string): Promise<Buffer> {
	const { default: forge } = await import("node-forge");
	const certificate = forge.pki.certificateFromPem(pem);
	const name = certificate.subject.getField("CN")?.value as string | undefined;
	// forge's types require a key, its code does not.
	const key = null as unknown as Parameters<typeof forge.pkcs12.toPkcs12Asn1>[0];
	const store = forge.pkcs12.toPkcs12Asn1(key, [certificate], "", {
		friendlyName: name ?? "flowtape CA",
		algorithm: "3des",
	});
	return Buffer.from(forge.asn1.toDer(store).getBytes(), "latin1");
}
