// Copies flows, so that the copy can be changed while the flow is in use.
import {
	DnsFlow,
	type Flow,
	type FlowInit,
	HttpFlow,
	type HttpFlowInit,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
} from "./flow.ts";
import type { Metadata } from "./metadata.ts";

/** A copy of a flow. It shares bodies, contents of messages and connections, which must be replaced, not changed. */
export function copyFlow<F extends Flow>(flow: F): F;
export function copyFlow(flow: Flow): Flow {
	const init = initOf(flow);
	switch (flow.type) {
		case "http": {
			// assigned one by one, because object spread takes several times as long
			const http = init as HttpFlowInit;
			http.request = flow.request.copy();
			http.response = flow.response === null ? null : flow.response.copy();
			http.websocket = flow.websocket === null ? null : copyWebSocket(flow.websocket);
			http.ended = flow.ended;
			http.refreshed = flow.refreshed;
			http.original = flow.original === null ? null : flow.original.copy();
			return new HttpFlow(http);
		}
		case "dns":
			return new DnsFlow({ ...init, request: { ...flow.request }, response: flow.response && { ...flow.response } });
		case "tcp":
			return new TcpFlow({ ...init, messages: flow.messages.map((message) => ({ ...message })) });
		case "udp":
			return new UdpFlow({ ...init, messages: flow.messages.map((message) => ({ ...message })) });
	}
}

function initOf(flow: Flow): FlowInit {
	const { client, server } = flow.connections;
	const init: FlowInit = {
		id: flow.id,
		clientConn: client,
		serverConn: server,
		error: flow.error === null ? null : { ...flow.error },
		intercepted: flow.intercepted,
		isReplay: flow.isReplay,
		marked: flow.marked,
		comment: flow.comment,
		timestampCreated: flow.timestampCreated,
		session: flow.session,
		backup: flow.backup,
		extra: flow.extra,
	};
	if (flow.hasMetadata) init.metadata = Object.assign(Object.create(null), flow.metadata) as Metadata;
	return init;
}

/** Without the function that injects messages into the conversation. */
function copyWebSocket({ inject: _, ...data }: WebSocketData): WebSocketData {
	return { ...data, messages: data.messages.map((message) => ({ ...message })) };
}
