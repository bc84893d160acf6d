// Estimates the work of processing the bodies of a flow; the scheduler queues flows by it.
import type { Flow } from "../../flow/flow.ts";

/** Up to this size, bodies that need no decoding count as no work. Bytes. */
const LIGHT_BYTES = 64 * 1024;

/** The total size of both bodies, in bytes. */
export function sizeOf(flow: Flow): number {
	return flow.type === "http" ? (flow.request.bodySize ?? 0) + (flow.response?.bodySize ?? 0) : 0;
}

/** The total size of both bodies if processing them takes time; 0: they are small. */
export function workloadOf(flow: Flow): number {
	const size = sizeOf(flow);
	return size > LIGHT_BYTES || isCoded(flow) ? size : 0;
}

function isCoded(flow: Flow): boolean {
	return (
		flow.type === "http" &&
		[flow.request, flow.response].some((message) => message?.bodySize && message.headers.has("content-encoding"))
	);
}
