// What the fields say about the connection itself (RFC 9110 section 7.6.1). They are read and not removed: a recording proxy passes them on.
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { trimBlanks } from "./read-head.ts";

/** Whether the connection stays open after this message (RFC 9112 section 9.3). */
export function isPersistent(version: ByteString, fields: ByteString[]): boolean {
	const options = connectionOptions(fields);
	if (options === null) return version !== "HTTP/1.0";
	if (options.includes("close")) return false;
	return version !== "HTTP/1.0" || options.includes("keep-alive");
}

/** Whether the sender waits for `100 Continue` before the body (RFC 9110 section 10.1.1); HTTP/1.0 cannot. */
export function expectsContinue(version: ByteString, fields: ByteString[]): boolean {
	return version !== "HTTP/1.0" && new Headers(fields).raw("expect")?.toLowerCase() === "100-continue";
}

/** The protocols that a message wants to change to, as written (RFC 9110 section 7.8): `websocket`; null where it does not. */
export function upgradeOf(version: ByteString, fields: ByteString[]): ByteString | null {
	if (version === "HTTP/1.0") return null;
	return connectionOptions(fields)?.includes("upgrade") ? new Headers(fields).raw("upgrade") || null : null;
}

/** The last ones read: most messages have the same. */
let last: { readonly value: ByteString; readonly options: readonly string[] } = { value: "", options: [""] };

/** The options in the Connection field, in lower case; null where there is none. */
export function connectionOptions(fields: ByteString[]): readonly string[] | null {
	const value = new Headers(fields).raw("connection");
	if (value === null) return null;
	if (value !== last.value) last = { value, options: splitOptions(value) };
	return last.options;
}

function splitOptions(value: ByteString): readonly string[] {
	return value
		.toLowerCase()
		.split(",")
		.map((option) => trimBlanks(option));
}
