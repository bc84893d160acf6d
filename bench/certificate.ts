// The certificate of the servers behind the proxies: an elliptic key, as sites have today, and nobody's authority.
import { createHash, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificatePem, der, tag } from "../src/ca/der.ts";
import { mintLeaf } from "../src/ca/leaf.ts";

/** Writes key and certificate for 127.0.0.1 into one file; its path. */
export function writeCertificate(folder: string): string {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const spki = publicKey.export({ type: "spki", format: "der" });
	const issuer = { key: privateKey, subject: der(tag.sequence), keyIdentifier: null, validTo: new Date(Date.now() + 86_400_000) };
	const leaf = mintLeaf(issuer, { names: ["127.0.0.1"], organization: null, publicKey: spki, keyIdentifier: createHash("sha1").update(spki).digest() });
	const path = join(folder, "origin.pem");
	writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }) + certificatePem(leaf));
	return path;
}
