// Calls the function of the option `redact` in the test's thread, with a flow that is about to be recorded.
import type { FlowData, MessageData } from "./messages.ts";
import type { RecordedFlow, RecordedMessage, RedactFunction } from "./options.ts";

/** The flow as the function has changed it. */
export function redactBy(redact: RedactFunction, { request, response }: FlowData): FlowData {
	const flow: RecordedFlow = {
		request: { method: request.method, url: request.url, ...messageOf(request) },
		response: response && { status: response.status, ...messageOf(response) },
	};
	redact(flow);
	return {
		request: { method: request.method, url: flow.request.url, ...dataOf(flow.request) },
		response: response && flow.response && { status: response.status, ...dataOf(flow.response) },
	};
}

function messageOf({ headers, text }: MessageData): RecordedMessage {
	const fields = new Headers();
	for (const [name, value] of headers) fields.append(name, value);
	return { headers: fields, text };
}

function dataOf({ headers, text }: RecordedMessage): MessageData {
	return { headers: [...headers], text };
}
