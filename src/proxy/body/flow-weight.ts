// Estimates the work of processing the bodies of a flow; the scheduler queues flows by it.
import type { Flow } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";

/** Up to this size, bodies that need no decoding count as no work. Bytes. */
const LIGHT_BYTES = 64 * 1024;

/** The total size of both bodies in bytes, if processing them takes time; 0: they are small. */
export function workloadOf(flow: Flow): number {
	if (flow.type !== "http") return 0;
	const { request, response } = flow;
	const size = (request.bodySize ?? 0) + (response?.bodySize ?? 0);
	return size > LIGHT_BYTES || isCoded(request) || isCoded(response) ? size : 0;
}

function isCoded(message: Request | Response | null): boolean {
	return (
		message !== null && message.bodySize !== null && message.bodySize > 0 && message.headers.has("content-encoding")
	);
}
