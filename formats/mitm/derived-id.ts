// Ids for what had none: the same for the same values, so that reading a file twice gives the same flows.
import { createHash } from "node:crypto";
import type { Value } from "./tnetstring.ts";
import { Writer } from "./write-tnetstring.ts";

/** In the form of a UUID (RFC 9562 section 5.8). */
export function derivedId(...values: Value[]): string {
	const writer = new Writer();
	writer.value(values);
	const hex = createHash("sha256").update(writer.take()).digest("hex");
	return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
