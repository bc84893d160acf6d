// How an HTTP flow ended, also where its file does not say so: older tapes and the files of other tools have only an error.
import type { FlowEnd, HttpFlow } from "./flow.ts";

/** Message of a flow that the client left before its end. */
export const CLIENT_GONE = "Client disconnected.";

/** How a flow ended; null where there was no response. */
export function endOf(flow: Pick<HttpFlow, "ended" | "response" | "error">): FlowEnd | null {
	return flow.ended ?? impliedEnd(flow);
}

/** What response and error say of the end: an error beside a response is an end before the time. */
export function impliedEnd({ response, error }: Pick<HttpFlow, "response" | "error">): FlowEnd | null {
	if (response === null) return null;
	if (error === null) return "server";
	return error.message === CLIENT_GONE ? "client" : "cut";
}

/** Whether the request broke off before its body was whole. A head alone is whole, though its exchange ended before anybody saw its end. */
export function isRequestCut({ request: { timestampEnd, headers, bodySize }, error }: Pick<HttpFlow, "request" | "error">): boolean {
	if (timestampEnd !== null || error === null) return false;
	return (bodySize ?? 0) > 0 || headers.has("transfer-encoding") || Number(headers.raw("content-length") ?? 0) > 0;
}

/** The end of a flow as a file has it; undefined for what is none. */
export function toEnd(value: unknown): FlowEnd | undefined {
	return value === "server" || value === "client" || value === "cut" ? value : undefined;
}
