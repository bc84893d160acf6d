// How long an exchange took, by the times of its messages.
import type { Flow } from "./flow.ts";

/** Seconds from the first byte of the request to the last of the response, or of the WebSocket; null where they are not known. */
export function durationOf(flow: Flow): number | null {
	if (flow.type !== "http" || flow.response === null) return null;
	return span(flow.request.timestampStart, flow.websocket?.timestampEnd ?? flow.response.timestampEnd);
}

/** Seconds from the first byte of the request to the first of the response; null where they are not known. */
export function firstByteOf(flow: Flow): number | null {
	if (flow.type !== "http" || flow.response === null) return null;
	return span(flow.request.timestampStart, flow.response.timestampStart);
}

/** 0 stands for a time that is not known. */
function span(from: number, to: number | null): number | null {
	return to === null || from === 0 || to === 0 || !Number.isFinite(to - from) ? null : to - from;
}
