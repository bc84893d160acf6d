// A flow as one JSON object: the keys of a line, in an order that reads and diffs well.
import type { ClientConnection, Connection, ServerConnection } from "../../src/flow/connection.ts";
import { endOf } from "../../src/flow/ending.ts";
import type { DnsMessage, DnsRecord, Flow, HttpFlow, StreamMessage } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Request, Response } from "../../src/flow/message.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";
import type { Json, JsonObject } from "../fields.ts";
import { fromByteString, fromBytes, fromMeta, fromNumber } from "../json-values.ts";

/** The object of a flow. With `url`, HTTP requests have that too, for people and jq. */
export function flowObject(flow: Flow, { url = false }: { url?: boolean } = {}): JsonObject {
	return {
		id: flow.id,
		type: flow.type,
		...content(flow, url),
		error: flow.error === null ? null : { message: flow.error.message, timestamp: fromNumber(flow.error.timestamp) },
		is_replay: flow.isReplay,
		marked: flow.marked,
		comment: flow.comment,
		intercepted: flow.intercepted,
		timestamp_created: fromNumber(flow.timestampCreated),
		session: flow.session,
		client_conn: clientObject(flow.clientConn),
		server_conn: serverObject(flow.serverConn),
		metadata: fromMeta(flow.metadata),
		backup: fromMeta(flow.backup),
		...extraObject(flow.extra),
	};
}

function content(flow: Flow, url: boolean): JsonObject {
	switch (flow.type) {
		case "http":
			return {
				request: requestObject(flow.request, url),
				response: responseObject(flow.response),
				websocket: websocketObject(flow.websocket),
				...fate(flow, url),
			};
		case "dns":
			return { request: dnsObject(flow.request), response: flow.response === null ? null : dnsObject(flow.response) };
		default:
			return { messages: flow.messages.map(streamMessage) };
	}
}

/** How it ended, and what was done to it. */
function fate(flow: HttpFlow, url: boolean): JsonObject {
	return { ended: endOf(flow), refreshed: orNull(flow.refreshed), original: flow.original === null ? null : requestObject(flow.original, url) };
}

function requestObject(request: Request, url: boolean): JsonObject {
	return {
		method: fromByteString(request.method),
		...(url ? { url: request.prettyUrl } : {}),
		scheme: fromByteString(request.scheme),
		host: request.host,
		port: request.port,
		path: fromByteString(request.path),
		authority: fromByteString(request.authority),
		...messageObject(request),
	};
}

function responseObject(response: Response | null): Json {
	return response === null ? null : { status: response.statusCode, reason: fromByteString(response.reason), ...messageObject(response) };
}

function messageObject(message: Request | Response): JsonObject {
	const body = message.rawContent;
	return {
		http_version: fromByteString(message.httpVersion),
		headers: pairs(message.headers),
		body: body === null ? null : fromBytes(body),
		trailers: message.trailers === null ? null : pairs(message.trailers),
		timestamp_start: fromNumber(message.timestampStart),
		timestamp_end: orNull(message.timestampEnd),
		...extraObject(message.extra),
	};
}

function pairs({ fields }: Headers): Json[] {
	const list: Json[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) list.push([fromByteString(fields[i] as string), fromByteString(fields[i + 1] as string)]);
	return list;
}

function websocketObject(websocket: HttpFlow["websocket"]): Json {
	if (websocket === null) return null;
	return {
		messages: websocket.messages.map((message) => ({
			opcode: message.opcode,
			...streamMessage(message),
			dropped: message.dropped,
			injected: message.injected,
		})),
		closed_by_client: websocket.closedByClient,
		close_code: websocket.closeCode,
		close_reason: websocket.closeReason,
		timestamp_end: orNull(websocket.timestampEnd),
	};
}

function streamMessage({ fromClient, content, timestamp }: StreamMessage): JsonObject {
	return { from_client: fromClient, content: fromBytes(content), timestamp: fromNumber(timestamp) };
}

function dnsObject(message: DnsMessage): JsonObject {
	const records = (list: readonly DnsRecord[]): Json[] =>
		list.map((record) => ({ name: record.name, type: record.type, class: record.class, ttl: record.ttl, data: { $base64: record.data.toString("base64") } }));
	return {
		id: message.id,
		query: message.query,
		op_code: message.opCode,
		authoritative_answer: message.authoritativeAnswer,
		truncation: message.truncation,
		recursion_desired: message.recursionDesired,
		recursion_available: message.recursionAvailable,
		reserved: message.reserved,
		response_code: message.responseCode,
		questions: message.questions.map(({ name, type, class: kind }) => ({ name, type, class: kind })),
		answers: records(message.answers),
		authorities: records(message.authorities),
		additionals: records(message.additionals),
		timestamp: orNull(message.timestamp),
	};
}

function connectionObject(connection: Connection): JsonObject {
	return {
		id: connection.id,
		peername: address(connection.peername),
		sockname: address(connection.sockname),
		transport_protocol: connection.transportProtocol,
		error: connection.error,
		tls: connection.tls,
		tls_version: connection.tlsVersion,
		sni: connection.sni,
		alpn: connection.alpn === null ? null : fromByteString(connection.alpn),
		alpn_offers: connection.alpnOffers.map(fromByteString),
		cipher: connection.cipher,
		cipher_list: connection.cipherList,
		certificate_list: connection.certificateList.map(fromBytes),
		timestamp_start: orNull(connection.timestampStart),
		timestamp_tls_setup: orNull(connection.timestampTlsSetup),
		timestamp_end: orNull(connection.timestampEnd),
	};
}

function clientObject(client: ClientConnection): JsonObject {
	return {
		...connectionObject(client),
		mitmcert: client.mitmcert === null ? null : fromBytes(client.mitmcert),
		proxy_mode: client.proxyMode,
		...extraObject(client.extra),
	};
}

function serverObject(server: ServerConnection): JsonObject {
	return {
		...connectionObject(server),
		address: address(server.address),
		timestamp_tcp_setup: orNull(server.timestampTcpSetup),
		via: server.via === null ? null : [server.via[0], address(server.via[1])],
		...extraObject(server.extra),
	};
}

function address(address: readonly [string, number, ...number[]] | null): Json {
	return address === null ? null : [...address];
}

function orNull(value: number | null): Json {
	return value === null ? null : fromNumber(value);
}

/** What a newer writer of another format put there. */
function extraObject(extra: Record<string, unknown> | undefined): JsonObject {
	return extra === undefined ? {} : { extra: fromMeta(extra as MetaValue) };
}
