// Derives responses from a recorded one: a 206 or 416 from a complete response, or a 200 from a partial one.
import { type Body, bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import { partOf, type Span } from "./byte-range.ts";

/**
 * A 206 response with a part of the recorded bytes. All positions are those in the representation.
 * @param span the requested bytes
 * @param to end of the available bytes
 * @param size of the representation in bytes; null: unknown
 * @param offset position of the first recorded byte
 */
export function partFrom(response: Response, span: Span, to: number, size: number | null, offset: number): Response {
	return partialResponse(
		response,
		partOf(response.body ?? Buffer.alloc(0), { from: span.from - offset, to: to - offset }),
		span,
		size,
	);
}

/**
 * A 206 response.
 * @param body the available bytes of `span`
 * @param size of the representation in bytes; null: unknown
 */
export function partialResponse(
	response: Response,
	body: NonNullable<Body>,
	span: Span,
	size: number | null,
): Response {
	const answer = derivedResponse(response, 206, body, `bytes ${span.from}-${span.to - 1}/${size ?? "*"}`);
	answer.headers.set("content-length", String(span.to - span.from));
	// these digests are of the content as sent (RFC 9530 section 2)
	for (const name of ["content-md5", "content-digest"]) answer.headers.delete(name);
	return answer;
}

/** A 416 response. */
export function unsatisfiableResponse(response: Response, size: number): Response {
	const answer = derivedResponse(response, 416, Buffer.alloc(0), `bytes */${size}`);
	for (const name of ["content-type", "content-encoding"]) answer.headers.delete(name);
	return answer;
}

/** A 200 response with the whole representation. */
export function completeResponse(response: Response, body = response.body): Response {
	return derivedResponse(response, 200, body, null);
}

function derivedResponse(
	response: Response,
	statusCode: number,
	body: Response["body"],
	contentRange: ByteString | null,
): Response {
	const headers = new Headers(response.headers.fields.slice());
	headers.delete("transfer-encoding");
	headers.set("content-length", String(bodySize(body) ?? 0));
	if (contentRange === null) headers.delete("content-range");
	else headers.set("content-range", contentRange);
	const { httpVersion, timestampStart, timestampEnd, extra } = response;
	return new Response({
		statusCode,
		reason: standardReason(statusCode),
		httpVersion,
		headers,
		body,
		timestampStart,
		timestampEnd,
		extra,
	});
}
