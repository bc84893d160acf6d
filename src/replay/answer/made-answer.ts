// Answers that were not recorded as they are, made of one that was: part of its bytes, or all where it says that they are a part.
import { type Body, bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import { partOf, type Span } from "./byte-range.ts";

/** @param to where the bytes end that there are of it; `offset`: where the recorded ones begin */
export function cut(response: Response, span: Span, to: number, size: number | null, offset: number): Response {
	return partial(response, partOf(response.body ?? Buffer.alloc(0), { from: span.from - offset, to: to - offset }), span, size);
}

/**
 * Bytes of a representation.
 * @param body what there is of them; `size`: of all of it, null: not known
 */
export function partial(response: Response, body: NonNullable<Body>, span: Span, size: number | null): Response {
	const answer = made(response, 206, body, `bytes ${span.from}-${span.to - 1}/${size ?? "*"}`);
	answer.headers.set("content-length", String(span.to - span.from));
	// they are of the bytes that were sent (RFC 9530 section 2)
	for (const name of ["content-md5", "content-digest"]) answer.headers.delete(name);
	return answer;
}

/** That it has none of the bytes that are asked for. */
export function unsatisfiable(response: Response, size: number): Response {
	const answer = made(response, 416, Buffer.alloc(0), `bytes */${size}`);
	for (const name of ["content-type", "content-encoding"]) answer.headers.delete(name);
	return answer;
}

/** All of the representation. */
export function whole(response: Response, body = response.body): Response {
	return made(response, 200, body, null);
}

function made(response: Response, statusCode: number, body: Response["body"], contentRange: ByteString | null): Response {
	const headers = new Headers(response.headers.fields.slice());
	headers.delete("transfer-encoding");
	headers.set("content-length", String(bodySize(body) ?? 0));
	if (contentRange === null) headers.delete("content-range");
	else headers.set("content-range", contentRange);
	const { httpVersion, timestampStart, timestampEnd, extra } = response;
	return new Response({ statusCode, reason: standardReason(statusCode), httpVersion, headers, body, timestampStart, timestampEnd, extra });
}
