// New authorities.
import { createPrivateKey, X509Certificate } from "node:crypto";
import t from "tap";
import { createAuthority } from "../../../src/ca/create.ts";
import { readElements } from "../../../src/ca/der.ts";

t.test("key, names, validity and extensions", async (t) => {
	const now = new Date("2030-06-15T12:00:00Z");
	const { keyPem, certificatePem } = await createAuthority(now);
	const certificate = new X509Certificate(certificatePem);
	const key = createPrivateKey(keyPem);
	t.equal(certificate.ca, true);
	t.ok(certificate.checkPrivateKey(key));
	t.ok(certificate.verify(certificate.publicKey), "signed by itself");
	t.equal(key.asymmetricKeyDetails?.modulusLength, 2048);
	t.equal(certificate.subject, certificate.issuer);
	t.match(certificate.subject, /^O=flowtape\nCN=flowtape CA [0-9a-f]{8}$/);
	t.equal(new Date(certificate.validFrom).toISOString(), "2030-06-13T12:00:00.000Z");
	t.equal(new Date(certificate.validTo).toISOString(), "2040-06-15T00:00:00.000Z");
	t.notOk(certificatePem.includes("\r"));

	const body = readElements(
		readElements(readElements(certificate.raw)[0]?.content ?? Buffer.alloc(0))[0]?.content ?? Buffer.alloc(0),
	);
	const serial = body[1]?.content ?? Buffer.alloc(0);
	t.equal(serial.length, 16);
	t.ok((serial[0] ?? 0) >= 0x40 && (serial[0] ?? 0) < 0x80, "positive, and no leading zero");
	const extensions = certificate.raw.toString("hex");
	t.ok(extensions.includes("0603551d130101ff040530030101ff"), "basicConstraints: critical, CA");
	t.ok(extensions.includes("0603551d0f0101ff040403020106"), "keyUsage: critical, keyCertSign and cRLSign");
	t.ok(extensions.includes("0603551d0e04160414"), "a subject key identifier");
});

t.test("an ephemeral authority has an EC key, a permanent one an RSA key of the requested size", async (t) => {
	const { keyPem, certificatePem } = await createAuthority(undefined, { keyType: "ec" });
	const certificate = new X509Certificate(certificatePem);
	t.equal(createPrivateKey(keyPem).asymmetricKeyDetails?.namedCurve, "prime256v1");
	t.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)) && certificate.verify(certificate.publicKey));
	t.equal(
		createPrivateKey((await createAuthority(undefined, { keySize: 3072 })).keyPem).asymmetricKeyDetails?.modulusLength,
		3072,
	);
});

t.test("no two are equal", async (t) => {
	const [one, other] = (await Promise.all([createAuthority(), createAuthority()])).map(
		({ certificatePem }) => new X509Certificate(certificatePem),
	);
	t.not(one?.subject, other?.subject);
	t.not(one?.serialNumber, other?.serialNumber);
	t.notOk(other && one?.publicKey.equals(other.publicKey));
});
