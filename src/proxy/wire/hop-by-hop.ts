// Reads hop-by-hop header fields (RFC 9110 section 7.6.1). Messages between HTTP/1.1 peers keep them, because a
// recording proxy forwards messages unchanged; `endToEnd` leaves them out.
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

/** The idempotent methods in common use (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set([
	"GET",
	"HEAD",
	"OPTIONS",
	"TRACE",
	"PUT",
	"DELETE",
	"PROPFIND",
	"REPORT",
	"SEARCH",
	"QUERY",
]);

/** Whether a request may be retried automatically when its outcome is unknown. */
export function isIdempotent(method: ByteString): boolean {
	return IDEMPOTENT.has(method);
}

/** Schemes that authenticate the connection, not the request (RFC 4559 section 6). */
const BOUND = /(?:^|,)[ \t]*(?:NTLM|Negotiate|Kerberos)(?:[ \t,]|$)/i;

/** Whether credentials, or a challenge, use a scheme that authenticates the whole connection. */
export function isBoundLogin(value: ByteString): boolean {
	return BOUND.test(value);
}

/**
 * Whether the same credentials can be sent with another request. In other schemes, credentials are valid for one
 * challenge.
 */
export function isLastingLogin(credentials: ByteString): boolean {
	return /^(?:Basic|Bearer)[ \t]/i.test(credentials);
}

/**
 * The protocols that a message asks to switch to, as written, such as `websocket` (RFC 9110 section 7.8); null: none.
 */
export function upgradeOf(version: ByteString, fields: ByteString[]): ByteString | null {
	if (version === "HTTP/1.0") return null;
	return connectionOptions(fields)?.includes("upgrade") ? new Headers(fields).raw("upgrade") || null : null;
}

/** Fields that apply to one HTTP/1.1 connection only (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2). */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
	"connection",
	"keep-alive",
	"proxy-connection",
	"transfer-encoding",
	"upgrade",
	"http2-settings",
]);

/** The fields that are not hop-by-hop, either by name or because Connection lists them. */
export function endToEnd(fields: ByteString[]): ByteString[] {
	const options = connectionOptions(fields);
	const kept: ByteString[] = [];
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		if (!CONNECTION_FIELDS.has(name) && !options?.includes(name))
			kept.push(fields[i] as ByteString, fields[i + 1] as ByteString);
	}
	return kept;
}

/** The last parsed value, as most messages have the same one. */
let last: { readonly value: ByteString; readonly options: readonly string[] } = { value: "", options: [] };

/** The options in the Connection field, in lower case; null if there is no such field. */
export function connectionOptions(fields: ByteString[]): readonly string[] | null {
	const value = new Headers(fields).raw("connection");
	if (value === null) return null;
	if (value !== last.value) last = { value, options: listMembers(value.toLowerCase()) };
	return last.options;
}

/** The members of a list (RFC 9110 section 5.6.1). */
export function listMembers(list: ByteString): ByteString[] {
	return list
		.split(",")
		.map((member) => trimBlanks(member))
		.filter((member) => member !== "");
}
