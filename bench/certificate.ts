// The self-signed certificate of the origin servers, with an elliptic-curve key, as most sites have today.
import { createHash, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { certificatePem, der, tag } from "../src/ca/der.ts";
import { mintLeaf } from "../src/ca/leaf.ts";

/** Writes the key and the certificate for 127.0.0.1 to one file. Returns its path. */
export function writeCertificate(folder: string): string {
	const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
	const spki = publicKey.export({ type: "spki", format: "der" });
	const issuer = {
		key: privateKey,
		subject: der(tag.sequence),
		keyIdentifier: null,
		validTo: new Date(Date.now() + 86_400_000),
	};
	const leaf = mintLeaf(issuer, {
		names: ["127.0.0.1"],
		organization: null,
		publicKey: spki,
		keyIdentifier: createHash("sha1").update(spki).digest(),
	});
	const path = join(folder, "origin.pem");
	writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }) + certificatePem(leaf));
	return path;
}
