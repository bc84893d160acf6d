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

/** Methods that mean the same when they come twice (RFC 9110 section 9.2.2), of those that are in use. */
const IDEMPOTENT = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PROPFIND", "REPORT", "SEARCH", "QUERY"]);

/** Whether a request may be sent once more by itself when it is not known what became of it. */
export function isIdempotent(method: ByteString): boolean {
	return IDEMPOTENT.has(method);
}

/** Schemes whose login is bound to the connection that it came over (RFC 4559 section 6). */
const BOUND = /(?:^|,)[ \t]*(?:NTLM|Negotiate|Kerberos)(?:[ \t,]|$)/i;

/** Whether credentials, or a challenge, belong to a login that holds for the whole connection. */
export function isBoundLogin(value: ByteString): boolean {
	return BOUND.test(value);
}

/** Whether the same credentials can be used again for another request: those of other schemes answer one challenge. */
export function isLastingLogin(credentials: ByteString): boolean {
	return /^(?:Basic|Bearer)[ \t]/i.test(credentials);
}

/** The protocols that a message wants to change to, as written (RFC 9110 section 7.8): `websocket`; null where it does not. */
export function upgradeOf(version: ByteString, fields: ByteString[]): ByteString | null {
	if (version === "HTTP/1.0") return null;
	return connectionOptions(fields)?.includes("upgrade") ? new Headers(fields).raw("upgrade") || null : null;
}

/** RFC 9110 section 7.6.1, RFC 9113 section 8.2.2: these are about one connection of HTTP/1.1. */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
	"connection",
	"keep-alive",
	"proxy-connection",
	"transfer-encoding",
	"upgrade",
	"http2-settings",
]);

/** The fields that are about no connection, whether by their name or because Connection names them. */
export function endToEnd(fields: ByteString[]): ByteString[] {
	const options = connectionOptions(fields);
	const kept: ByteString[] = [];
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		if (!CONNECTION_FIELDS.has(name) && !options?.includes(name)) kept.push(fields[i] as ByteString, fields[i + 1] as ByteString);
	}
	return kept;
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
