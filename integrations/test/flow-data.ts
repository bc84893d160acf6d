// A flow as data for the test's thread, and the changes that come back.
import type { HttpFlow } from "../../src/flow/flow.ts";
import type { Message } from "../../src/flow/message.ts";
import type { FlowData, MessageData } from "./messages.ts";

export function dataOf({ request, response }: HttpFlow): FlowData {
	return {
		request: { method: request.method, url: request.prettyUrl, ...messageData(request) },
		response: response && { status: response.statusCode, ...messageData(response) },
	};
}

function messageData({ headers, text }: Message): MessageData {
	return { headers: [...headers], text };
}

/** Applies what differs, so that the rest stays as it was sent. */
export function applyData(flow: HttpFlow, { request, response }: FlowData): void {
	if (request.url !== flow.request.prettyUrl) flow.request.url = request.url;
	applyMessage(flow.request, request);
	if (flow.response !== null && response !== null) applyMessage(flow.response, response);
}

function applyMessage(message: Message, { headers, text }: MessageData): void {
	const wanted = new Map<string, string[]>();
	for (const [name, value] of headers)
		wanted.set(name.toLowerCase(), [...(wanted.get(name.toLowerCase()) ?? []), value]);
	const names = new Set([...message.headers].map(([name]) => name.toLowerCase()));
	for (const name of new Set([...names, ...wanted.keys()])) {
		const values = wanted.get(name) ?? [];
		const before = message.headers.getAll(name);
		// the platform joins fields of one name
		if (values.join(", ") !== before.join(", ")) message.headers.setAll(name, values);
	}
	if (text !== message.text) message.text = text;
}
