// Ids for records without one, derived from their values, so that reading a file twice gives the same ids.
import { createHash } from "node:crypto";
import type { Value } from "./tnetstring.ts";
import { Writer } from "./write-tnetstring.ts";

/** A UUID of version 8 (RFC 9562 section 5.8). */
export function derivedId(...values: Value[]): string {
	const writer = new Writer();
	writer.value(values);
	const hex = createHash("sha256").update(writer.takeBytes()).digest("hex");
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
