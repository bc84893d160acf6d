// Ids for flows and connections without one, so that reading a file twice gives the same ids.
import { createHash } from "node:crypto";

/** A UUID of version 8 (RFC 9562 section 5.8), derived from bytes. */
export function derivedUuid(bytes: string | Buffer): string {
	const hash = createHash("sha256").update(bytes).digest().subarray(0, 16);
	hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
	hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
	return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
