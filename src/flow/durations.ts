// When a flow began and how long it took, from its timestamps.
import type { Flow } from "./flow.ts";

/** When the flow began: its request, or the client's connection. Seconds since 1970; 0: unknown. */
export function startOf(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
}

/**
 * Seconds from the first byte of the request to the last of the response, or to the end of the WebSocket; null:
 * unknown.
 */
export function durationOf(flow: Flow): number | null {
	if (flow.type !== "http" || flow.response === null) return null;
	return span(flow.request.timestampStart, flow.websocket?.timestampEnd ?? flow.response.timestampEnd);
}

/** Seconds from the first byte of the request to the first of the response; null: unknown. */
export function firstByteOf(flow: Flow): number | null {
	if (flow.type !== "http" || flow.response === null) return null;
	return span(flow.request.timestampStart, flow.response.timestampStart);
}

/** A timestamp of 0 is unknown. The span is 0 if the clock was set back meanwhile. */
function span(from: number, to: number | null): number | null {
	return to === null || from === 0 || to === 0 || !Number.isFinite(to - from) ? null : Math.max(0, to - from);
}
