// Writes a flow as a JSON object, with keys in an order that is easy to read and to diff.
import { type Body, bodyBytes, bodySize } from "../../src/flow/body.ts";
import { NO_BYTES } from "../../src/flow/bytes.ts";
import type { ClientConnection, Connection, ServerConnection } from "../../src/flow/connection.ts";
import { endOf } from "../../src/flow/ending.ts";
import type { DnsMessage, DnsRecord, Flow, HttpFlow, StreamMessage } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Request, Response } from "../../src/flow/message.ts";
import type { MetaValue } from "../../src/flow/metadata.ts";
import { isUtf8Body } from "../../src/flow/whole-pieces.ts";
import type { Json, JsonObject } from "../fields.ts";
import { fromByteString, fromBytes, fromMeta, fromNumber } from "../json-values.ts";
import type { LongTexts } from "../long-texts.ts";
import { withNumberTexts } from "./number-texts.ts";

export interface LineOptions {
	/** HTTP requests include their URL, for people and jq. */
	readonly url?: boolean;
	/** Writes long bodies and messages in pieces; without it, they become strings. */
	readonly long?: LongTexts;
}

/** Converts a flow to a JSON object. */
export function flowObject(flow: Flow, options: LineOptions = {}): JsonObject {
	return {
		id: flow.id,
		type: flow.type,
		...content(flow, options),
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
		...extraObject(flow.extra, options),
	};
}

function content(flow: Flow, options: LineOptions): JsonObject {
	switch (flow.type) {
		case "http":
			return {
				request: requestObject(flow.request, options),
				response: responseObject(flow.response, options),
				websocket: websocketObject(flow.websocket, options),
				...endFields(flow, options),
			};
		case "dns":
			return {
				request: dnsObject(flow.request, options),
				response: flow.response === null ? null : dnsObject(flow.response, options),
			};
		default:
			return { messages: messageList(flow.messages, options, streamMessage) };
	}
}

/** How the flow ended, and how it was changed. */
function endFields(flow: HttpFlow, options: LineOptions): JsonObject {
	return {
		ended: endOf(flow),
		refreshed: orNull(flow.refreshed),
		original: flow.original === null ? null : requestObject(flow.original, options),
	};
}

function requestObject(request: Request, options: LineOptions): JsonObject {
	return {
		method: fromByteString(request.method),
		...(options.url === true ? { url: request.prettyUrl } : {}),
		scheme: fromByteString(request.scheme),
		host: request.host,
		port: request.port,
		path: fromByteString(request.path),
		authority: fromByteString(request.authority),
		...messageObject(request, options),
	};
}

function responseObject(response: Response | null, options: LineOptions): Json {
	return response === null
		? null
		: { status: response.statusCode, reason: fromByteString(response.reason), ...messageObject(response, options) };
}

function messageObject(message: Request | Response, options: LineOptions): JsonObject {
	return {
		http_version: fromByteString(message.httpVersion),
		headers: pairs(message.headers),
		body: message.body === null ? null : fromBody(message.body, options.long),
		trailers: message.trailers === null ? null : pairs(message.trailers),
		timestamp_start: fromNumber(message.timestampStart),
		timestamp_end: orNull(message.timestampEnd),
		...extraObject(message.extra, options),
	};
}

function fromBody(body: Exclude<Body, null>, long: LongTexts | undefined): Json {
	if (!long?.accepts(bodySize(body) ?? 0)) return fromBytes(bodyBytes(body) ?? NO_BYTES);
	return isUtf8Body(body) ? long.addText(body, "utf8") : { $base64: long.addText(body, "base64") };
}

function pairs({ fields }: Headers): Json[] {
	const list: Json[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2)
		list.push([fromByteString(fields[i] as string), fromByteString(fields[i + 1] as string)]);
	return list;
}

function websocketObject(websocket: HttpFlow["websocket"], options: LineOptions): Json {
	if (websocket === null) return null;
	return {
		messages: messageList(websocket.messages, options, (message, long) => ({
			opcode: message.opcode,
			...streamMessage(message, long),
			dropped: message.dropped,
			injected: message.injected,
		})),
		closed_by_client: websocket.closedByClient,
		close_code: websocket.closeCode,
		close_reason: websocket.closeReason,
		timestamp_end: orNull(websocket.timestampEnd),
		...extraObject(websocket.extra, options),
	};
}

/** The messages as JSON, in pieces if none has `extra`, whose size is not limited. */
function messageList<T extends StreamMessage>(
	list: readonly T[],
	options: LineOptions,
	toJson: (message: T, long: LongTexts | undefined) => JsonObject,
): Json {
	const { long } = options;
	return long === undefined || list.some(({ extra }) => extra !== undefined)
		? list.map((message) => ({ ...toJson(message, undefined), ...extraObject(message.extra, options) }))
		: long.messages(list, (message) => toJson(message, long));
}

function streamMessage({ fromClient, content, timestamp }: StreamMessage, long: LongTexts | undefined): JsonObject {
	return { from_client: fromClient, content: fromBody(content, long), timestamp: fromNumber(timestamp) };
}

function dnsObject(message: DnsMessage, options: LineOptions): JsonObject {
	const records = (list: readonly DnsRecord[]): Json[] =>
		list.map((record) => ({
			name: record.name,
			type: record.type,
			class: record.class,
			ttl: record.ttl,
			data: { $base64: record.data.toString("base64") },
		}));
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
		...extraObject(message.extra, options),
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

/** The key of `extra` that stores the unknown keys of the line from which a flow or message was read. */
export const UNKNOWN_KEYS = "jsonl";

/** `extra`: fields that a newer version of another format wrote; beside it, the unknown keys of the line. */
function extraObject(extra: Record<string, unknown> | undefined, { long }: LineOptions = {}): JsonObject {
	if (extra === undefined) return {};
	const { [UNKNOWN_KEYS]: unknown, ...others } = extra;
	return {
		...(Object.keys(others).length > 0 && { extra: fromMeta(others as MetaValue) }),
		...((long === undefined || unknown === undefined ? unknown : withNumberTexts(unknown, long)) as
			| JsonObject
			| undefined),
	};
}
