// The self-signed certificate of the origin servers, with an elliptic-curve key, as most sites have today.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate } from "../fixtures/own-certificate.ts";

/** Writes the key and the certificate for 127.0.0.1 to one file. Returns its path. */
export function writeCertificate(folder: string): string {
	const { certificate, key } = makeCertificate({ names: ["127.0.0.1"] });
	const path = join(folder, "origin.pem");
	writeFileSync(path, key + certificate);
	return path;
}
