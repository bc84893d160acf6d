// Creates responses for hooks.
import { Headers } from "../flow/headers.ts";
import { Response } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";

/**
 * A response with the standard reason phrase and Content-Length; 204 has neither body nor length.
 * @param now seconds since 1970
 */
export function makeResponse(
	statusCode: number,
	fields: readonly (readonly [name: string, value: string])[],
	body: Buffer,
	now: number,
): Response {
	const sizing = statusCode === 204 ? [] : [["content-length", String(body.length)] as const];
	const headers = Headers.of(...fields, ...sizing);
	return new Response({
		statusCode,
		reason: standardReason(statusCode),
		headers,
		body: statusCode === 204 ? Buffer.alloc(0) : body,
		timestampStart: now,
		timestampEnd: now,
	});
}
