// The messages of an exchange, of the heads that came: their bodies are still to come, or known to be empty.
import type { ByteString } from "../flow/bytes.ts";
import { Headers } from "../flow/headers.ts";
import { Request, Response } from "../flow/message.ts";
import type { Target } from "./target.ts";
import { type Framing, hasBody } from "./wire/framing.ts";
import type { RequestHead, ResponseHead } from "./wire/head.ts";

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
