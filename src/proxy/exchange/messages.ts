// Creates the messages of an exchange from parsed heads. A body is null if it has not arrived yet, and empty if there
// is none.
import { type ByteString, NO_BYTES } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { Request, Response } from "../../flow/message.ts";
import type { Target } from "../route/target.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import type { RequestHead, ResponseHead } from "../wire/head.ts";

/**
 * Removes the fields of a request that are for this proxy only. Returns the value of Proxy-Authorization; null: there
 * was none.
 */
export function takeProxyFields({ fields }: Headers): ByteString | null {
	let credentials: ByteString | null = null;
	for (let i = fields.length - 2; i >= 0; i -= 2) {
		const name = fields[i] as ByteString;
		// Comparing the length first rules out almost every other field.
		if (name.length === 19 && name.toLowerCase() === "proxy-authorization") credentials = fields[i + 1] as ByteString;
		else if (name.length !== 16 || name.toLowerCase() !== "proxy-connection") continue;
		fields.splice(i, 2);
	}
	return credentials;
}

/**
 * Removes the fields for this proxy, which are not allowed in trailers (RFC 9110 section 6.5.1). null: no fields are
 * left.
 * @param takesAuthorization whether the Authorization field is for this proxy, too
 */
export function withoutProxyFields(trailers: ByteString[] | null, takesAuthorization: boolean): Headers | null {
	if (trailers === null) return null;
	const fields = new Headers(trailers);
	takeProxyFields(fields);
	if (takesAuthorization) fields.delete("authorization");
	return fields.size > 0 ? fields : null;
}

/**
 * A request from its head. `authority`: the pseudo-header field of HTTP/2. `at`: when the head arrived, in seconds
 * since 1970.
 */
export function requestOf(
	head: RequestHead,
	framing: Framing,
	target: Target,
	authority: ByteString,
	at: number,
): Request {
	return new Request({
		method: head.method,
		scheme: target.scheme,
		host: target.host,
		port: target.port,
		authority,
		path: target.path,
		httpVersion: head.version,
		headers: new Headers(head.fields),
		body: hasBody(framing) ? null : NO_BYTES,
		timestampStart: at,
	});
}

/** `at`: when the head arrived, in seconds since 1970. */
export function responseOf(head: ResponseHead, framing: Framing, at: number): Response {
	return new Response({
		statusCode: head.status,
		reason: head.reason,
		httpVersion: head.version,
		headers: new Headers(head.fields),
		body: hasBody(framing) ? null : NO_BYTES,
		timestampStart: at,
	});
}
