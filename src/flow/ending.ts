// How an HTTP flow ended. Older tapes and other tools do not record this; then it is derived from the error.
import type { Flow, FlowEnd, HttpFlow } from "./flow.ts";

/** Error message of a flow whose client closed the connection early. */
export const CLIENT_GONE = "Client disconnected.";

/** How a flow ended; null: there was no response. */
export function endOf(flow: Pick<HttpFlow, "ended" | "response" | "error">): FlowEnd | null {
	return flow.ended ?? impliedEnd(flow);
}

/** Derives the end from response and error: a response with an error ended early. null: there was no response. */
export function impliedEnd({ response, error }: Pick<HttpFlow, "response" | "error">): FlowEnd | null {
	if (response === null) return null;
	if (error === null) return "server";
	return error.message === CLIENT_GONE ? "client" : "cut";
}

/**
 * Whether the request ended before its body was complete. A request without a body is complete even if its end was not
 * recorded.
 */
export function isRequestCut({
	request: { timestampEnd, headers, bodySize },
	error,
}: Pick<HttpFlow, "request" | "error">): boolean {
	if (timestampEnd !== null || error === null) return false;
	return (bodySize ?? 0) > 0 || headers.has("transfer-encoding") || Number(headers.raw("content-length") ?? 0) > 0;
}

/**
 * How the response ended before it was complete; null: it is complete, there is none, or the flow is a WebSocket, whose
 * end is recorded separately.
 */
export function responseCut(
	flow: Pick<HttpFlow, "ended" | "response" | "error" | "websocket">,
): "client" | "cut" | null {
	const end = flow.websocket === null ? endOf(flow) : null;
	return end === "server" ? null : end;
}

/** For each incomplete message of a flow, a text that says so. */
export interface Incomplete {
	request?: string;
	response?: string;
}

/**
 * The messages of a flow that began and are incomplete; empty: there are none. Only HTTP flows can have incomplete
 * messages.
 */
export function incompleteParts(flow: Flow): Incomplete {
	if (flow.type !== "http") return {};
	const cut = responseCut(flow);
	return {
		...(isRequestCut(flow) && { request: "its request is incomplete: its body was cut off" }),
		...(cut !== null && {
			response: `its response is incomplete: ${cut === "client" ? "the client closed the connection early" : "it was cut off"}`,
		}),
	};
}

/** Checks the end of a flow read from a file; undefined: not a valid value. */
export function toEnd(value: unknown): FlowEnd | undefined {
	return value === "server" || value === "client" || value === "cut" ? value : undefined;
}
