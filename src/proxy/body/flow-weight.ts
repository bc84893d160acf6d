// How much there is to do for whoever looks into the bodies of a flow: by that it waits for its turn.
import type { Flow } from "../../flow/flow.ts";

/** Bodies up to this size take little time, unless they have to be decoded. Bytes. */
const LIGHT_BYTES = 64 * 1024;

/** The size of the bodies, in bytes. */
export function sizeOf(flow: Flow): number {
	return flow.type === "http" ? (flow.request.bodySize ?? 0) + (flow.response?.bodySize ?? 0) : 0;
}

/** The same where it matters; 0: they are small. */
export function weightOf(flow: Flow): number {
	const size = sizeOf(flow);
	return size > LIGHT_BYTES || isCoded(flow) ? size : 0;
}

function isCoded(flow: Flow): boolean {
	return flow.type === "http" && [flow.request, flow.response].some((message) => message?.bodySize && message.headers.has("content-encoding"));
}
