// The certificate in every format, read by other programs.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { join } from "node:path";
import t from "tap";
import { openAuthority } from "../../../src/ca/authority.ts";
import { certificateFormats, exportCertificate } from "../../../src/ca/export.ts";
import { hasProgram } from "../../../src/programs.ts";

const { certificate, certificatePem } = await openAuthority(join(t.testdir(), "home"));

t.test("PEM and DER", async (t) => {
	for (const format of ["pem", "der"] as const)
		t.equal(
			new X509Certificate(await exportCertificate(certificatePem, format)).fingerprint256,
			certificate.fingerprint256,
			format,
		);
	t.strictSame(certificateFormats, ["pem", "der", "p12"]);
});

t.test("PKCS 12", async (t) => {
	const store = await exportCertificate(certificatePem, "p12");
	t.equal(store.includes(certificate.raw), true);
	t.equal(store[0], 0x30, "DER");
	t.test("OpenSSL reads it", { skip: !hasProgram("openssl", process.env) && "there is no openssl here" }, async (t) => {
		const text = execFileSync("openssl", ["pkcs12", "-nokeys", "-passin", "pass:"], {
			input: store,
			stdio: ["pipe", "pipe", "ignore"],
		}).toString();
		t.match(text, `friendlyName: ${/CN=(.*)/.exec(certificate.subject)?.[1]}`);
		t.equal(new X509Certificate(text.slice(text.indexOf("-----BEGIN"))).fingerprint256, certificate.fingerprint256);
	});
});
