// The messages of an exchange, of the heads that came: their bodies are still to come, or known to be empty.
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { Request, Response } from "../../flow/message.ts";
import type { Target } from "../route/target.ts";
import { type Framing, hasBody } from "../wire/framing.ts";
import type { RequestHead, ResponseHead } from "../wire/head.ts";

/** Takes the fields out of a request that are for this proxy, and not for whoever it goes on to; gives what stood in Proxy-Authorization. */
export function takeProxyFields({ fields }: Headers): ByteString | null {
	let credentials: ByteString | null = null;
	for (let i = fields.length - 2; i >= 0; i -= 2) {
		const name = fields[i] as ByteString;
		// The length of the name decides almost always.
		if (name.length === 19 && name.toLowerCase() === "proxy-authorization") credentials = fields[i + 1] as ByteString;
		else if (name.length !== 16 || name.toLowerCase() !== "proxy-connection") continue;
		fields.splice(i, 2);
	}
	return credentials;
}

/** Trailers without what belongs in no trailers (RFC 9110 section 6.5.1), and is for this proxy as little as for others. null: none are left. */
export function withoutProxyFields(trailers: ByteString[] | null): ByteString[] | null {
	if (trailers !== null) takeProxyFields(new Headers(trailers));
	return trailers?.length ? trailers : null;
}

const EMPTY: Buffer = Buffer.alloc(0);

/** `authority`: the pseudo-field of HTTP/2. `at`: when the head came, in seconds. */
export function requestOf(head: RequestHead, framing: Framing, target: Target, authority: ByteString, at: number): Request {
	return new Request({
		method: head.method,
		scheme: target.scheme,
		host: target.host,
		port: target.port,
		authority,
		path: target.path,
		httpVersion: head.version,
		headers: new Headers(head.fields),
		body: hasBody(framing) ? null : EMPTY,
		timestampStart: at,
	});
}

/** `at`: when the head came, in seconds. */
export function responseOf(head: ResponseHead, framing: Framing, at: number): Response {
	return new Response({
		statusCode: head.status,
		reason: head.reason,
		httpVersion: head.version,
		headers: new Headers(head.fields),
		body: hasBody(framing) ? null : EMPTY,
		timestampStart: at,
	});
}
