// Reads a flow from a JSON object. Missing fields get defaults.
import { randomUUID } from "node:crypto";
import { toByteString } from "../../src/flow/bytes.ts";
import {
	type Address,
	type ClientConnection,
	type Connection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../../src/flow/connection.ts";
import { toEnd } from "../../src/flow/ending.ts";
import {
	DnsFlow,
	type DnsMessage,
	type DnsRecord,
	extensibleParts,
	type Flow,
	type FlowEnd,
	type FlowInit,
	HttpFlow,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
} from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { type MessageInit, Request, Response } from "../../src/flow/message.ts";
import { isDictionary, type Metadata } from "../../src/flow/metadata.ts";
import { isSession, SESSION_LIMIT } from "../../src/flow/session.ts";
import { parseUrl } from "../../src/flow/url.ts";
import { fail, isObject, type Json, wrong } from "../fields.ts";
import type { PlaceOf } from "../json-cost.ts";
import { toBytes, toBytesOfString, toMeta } from "../json-values.ts";
import type { OddFieldReporter } from "../odd-fields.ts";
import { LineFields, toBody } from "./line-fields.ts";
import { UNKNOWN_KEYS } from "./write-line.ts";

/**
 * The flow of a line.
 * @param odd receives optional fields of the wrong type, which are left out; null: they are errors
 * @throws FlowtapeError FT_CORRUPT_FLOW with the path of the invalid field
 */
export function readObject(value: Json, odd: OddFieldReporter | null = null): Flow {
	if (!isObject(value)) throw wrong("", "a JSON object", value);
	const at = new LineFields(value, "", odd);
	const type = at.has("type") ? at.text("type") : "http";
	switch (type) {
		case "http":
			return new HttpFlow(Object.assign(flowInit(at), httpContent(at)));
		case "tcp":
			return new TcpFlow({ ...flowInit(at), messages: at.list("messages", streamMessage) });
		case "udp":
			return new UdpFlow({ ...flowInit(at), messages: at.list("messages", streamMessage) });
		case "dns":
			return new DnsFlow({
				...flowInit(at),
				request: dnsMessage(at.object("request")),
				response: at.optional("response", dnsMessage),
			});
		default:
			throw wrong("type", '"http", "tcp", "udp" or "dns"', type);
	}
}

function flowInit(at: LineFields): FlowInit {
	return {
		id: at.textOrNull("id") ?? randomUUID(),
		error: at.optional("error", (error) => ({
			message: error.text("message", ""),
			timestamp: error.number("timestamp", 0),
		})),
		intercepted: at.boolean("intercepted", false),
		isReplay: at.readOr("is_replay", null, replayOf),
		marked: at.text("marked", ""),
		comment: at.text("comment", ""),
		timestampCreated: at.number("timestamp_created", 0),
		session: at.readOr("session", null, sessionOf),
		clientConn: at.optional("client_conn", clientOf) ?? clientConnection({ id: randomUUID() }),
		serverConn: at.optional("server_conn", serverOf) ?? serverConnection({ id: randomUUID() }),
		metadata: metadataOf(at),
		backup: at.has("backup") ? toMeta(at.value("backup")) : null,
		extra: withUnknown(at, FLOW_KEYS),
	};
}

function metadataOf(at: LineFields): Metadata {
	if (!at.has("metadata")) return {};
	const metadata = toMeta(at.value("metadata"));
	return isDictionary(metadata) ? metadata : at.readOr("metadata", {}, () => fail(at.wrong("metadata", "an object")));
}

function replayOf(at: LineFields): "request" | "response" | null {
	const isReplay = at.value("is_replay");
	return isReplay === null || isReplay === "request" || isReplay === "response"
		? isReplay
		: fail(at.wrong("is_replay", '"request", "response" or null'));
}

/** The keys of an object in a line; for a key with an object or a list of objects whose unknown keys are kept, its keys. */
type Keys = ReadonlyMap<string, Keys | null>;

function keysOf(names: string, parts: Readonly<Record<string, Keys>> = {}): Keys {
	return new Map(names.split(" ").map((name) => [name, parts[name] ?? null]));
}

const MESSAGE_KEYS = keysOf(
	"method url scheme host port path authority status reason http_version headers body trailers timestamp_start timestamp_end extra",
);
const DNS_KEYS = keysOf(
	"id query op_code authoritative_answer truncation recursion_desired recursion_available reserved response_code questions answers authorities additionals timestamp extra",
);
const STREAM_MESSAGE_KEYS = keysOf("from_client content timestamp opcode dropped injected");
const WEBSOCKET_KEYS = keysOf("messages closed_by_client close_code close_reason timestamp_end", {
	messages: STREAM_MESSAGE_KEYS,
});
const FLOW_NAMES =
	"id type request response websocket messages error is_replay marked comment intercepted timestamp_created session client_conn server_conn metadata backup extra ended refreshed original";
const FLOW_PARTS = {
	request: MESSAGE_KEYS,
	response: MESSAGE_KEYS,
	original: MESSAGE_KEYS,
	websocket: WEBSOCKET_KEYS,
	messages: STREAM_MESSAGE_KEYS,
};
const FLOW_KEYS = keysOf(FLOW_NAMES, FLOW_PARTS);
const DNS_FLOW_KEYS = keysOf(FLOW_NAMES, { ...FLOW_PARTS, request: DNS_KEYS, response: DNS_KEYS });

/**
 * Whether a value of a line is in a key that is not part of the format.
 * @param path as for `PlaceOf`
 * @param type the type of its flow; default: it is in no known key of any type
 */
export function isInUnknownKey(path: readonly string[], type?: string): boolean {
	if (type === undefined) return isOutside(path, FLOW_KEYS) && isOutside(path, DNS_FLOW_KEYS);
	return isOutside(path, type === "dns" ? DNS_FLOW_KEYS : FLOW_KEYS);
}

function isOutside(path: readonly string[], keys: Keys): boolean {
	let inner: Keys | null | undefined = keys;
	for (const key of path) {
		// the items of a list
		if (key === "") continue;
		inner = inner.get(key);
		if (inner === undefined) return true;
		if (inner === null) return false;
	}
	return false;
}

/** Whether unknown keys of a line are kept with its flow. */
export function hasUnknownKeys(flow: Flow): boolean {
	return extensibleParts(flow).some((part) => part?.extra?.[UNKNOWN_KEYS] !== undefined);
}

/** The `extra` of an object, with the unknown keys of the line. They are written again with the flow. */
function withUnknown(at: LineFields, known: Keys): Record<string, unknown> | undefined {
	const [extra, unknown] = [extraOf(at), unknownKeys(at, known)];
	return unknown === undefined ? extra : { ...extra, ...unknown };
}

/** The unknown keys of an object, as `extra` holds them. */
function unknownKeys({ values }: LineFields, known: Keys): Record<string, unknown> | undefined {
	const unknown = Object.keys(values).filter((key) => !known.has(key));
	return unknown.length === 0
		? undefined
		: { [UNKNOWN_KEYS]: Object.fromEntries(unknown.map((key) => [key, values[key]])) };
}

function extraOf(at: LineFields): Record<string, unknown> | undefined {
	const extra = at.has("extra") ? toMeta(at.value("extra")) : null;
	return extra !== null && isDictionary(extra) ? extra : undefined;
}

function httpContent(at: LineFields) {
	return {
		request: requestOf(at.object("request")),
		response: at.optional("response", responseOf),
		websocket: at.optional("websocket", websocketOf),
		ended: at.readOr("ended", null, endOf),
		refreshed: at.numberOrNull("refreshed"),
		original: at.optional("original", requestOf),
	};
}

function endOf(at: LineFields): FlowEnd | null {
	return toEnd(at.value("ended")) ?? fail(at.wrong("ended", '"server", "client", "cut" or null'));
}

function sessionOf(at: LineFields): string | null {
	const session = at.value("session");
	return (session === null || typeof session === "string") && isSession(session)
		? session
		: fail(at.wrong("session", `a name of at most ${SESSION_LIMIT} bytes`));
}

function requestOf(at: LineFields): Request {
	// a handwritten line may have only the URL
	const target =
		at.has("host") || !at.has("url")
			? {
					scheme: at.has("scheme") ? at.bytes("scheme") : "http",
					host: at.text("host"),
					port: at.integer("port"),
					path: at.has("path") ? at.bytes("path") : "/",
				}
			: targetOf(at.text("url"), at.path);
	return new Request({ method: at.bytes("method"), ...target, authority: at.bytes("authority", ""), ...messageOf(at) });
}

function targetOf(url: string, path: string) {
	try {
		const { path: target, ...server } = parseUrl(url);
		return { ...server, path: toByteString(target) };
	} catch {
		throw wrong(`${path}url`, "an absolute URL", url);
	}
}

function responseOf(at: LineFields): Response {
	return new Response({ statusCode: at.integer("status"), reason: at.bytes("reason", ""), ...messageOf(at) });
}

function messageOf(at: LineFields): MessageInit {
	const { body } = at.values;
	const bytes = body === undefined || body === null ? null : toBody(body);
	if (bytes === undefined) throw wrong(`${at.path}body`, 'a string or {"$base64": …}', body);
	return {
		httpVersion: at.bytes("http_version", "HTTP/1.1"),
		headers: at.has("headers") ? headersOf(at, "headers") : new Headers(),
		trailers: at.readOr("trailers", null, headersOf),
		body: body === undefined ? Buffer.alloc(0) : bytes,
		timestampStart: at.number("timestamp_start", 0),
		timestampEnd: at.numberOrNull("timestamp_end"),
		extra: withUnknown(at, MESSAGE_KEYS),
	};
}

/** Whether a string of a line is a body or a message. */
export const placeOf: PlaceOf = (path) => {
	const key = path.at(-1);
	if (key !== "body" && key !== "content" && key !== "$base64") return null;
	return PLACES.get((key === "$base64" ? path.slice(0, -1) : path).join("/")) ?? null;
};

const PLACES = new Map<string, "body" | "message">([
	["request/body", "body"],
	["response/body", "body"],
	["original/body", "body"],
	["messages//content", "message"],
	["websocket/messages//content", "message"],
]);

function headersOf(at: LineFields, key: string): Headers {
	const fields: string[] = [];
	for (const [i, pair] of at.array(key).entries()) {
		const path = `${at.path}${key}[${i}]`;
		if (!Array.isArray(pair) || pair.length !== 2) throw wrong(path, "a pair of name and value", pair);
		for (const part of pair) fields.push(toBytesOfString(part) ?? at.scalar(path, "a pair of strings", part));
	}
	return new Headers(fields);
}

function websocketOf(at: LineFields): WebSocketData {
	const websocket: WebSocketData = {
		messages: at.list("messages", (message) => ({
			...streamMessage(message),
			opcode: message.integer("opcode", 1),
			dropped: message.boolean("dropped", false),
			injected: message.boolean("injected", false),
		})),
		closedByClient: at.readOr("closed_by_client", null, booleanOf),
		closeCode: at.readOr("close_code", null, integerOf),
		closeReason: at.textOrNull("close_reason"),
		timestampEnd: at.numberOrNull("timestamp_end"),
	};
	const unknown = unknownKeys(at, WEBSOCKET_KEYS);
	if (unknown !== undefined) websocket.extra = unknown;
	return websocket;
}

function streamMessage(at: LineFields): StreamMessage {
	const message: StreamMessage = {
		fromClient: at.boolean("from_client"),
		content: at.buffer("content"),
		timestamp: at.number("timestamp", 0),
	};
	const unknown = unknownKeys(at, STREAM_MESSAGE_KEYS);
	if (unknown !== undefined) message.extra = unknown;
	return message;
}

function dnsMessage(at: LineFields): DnsMessage {
	const question = (part: LineFields) => ({
		name: part.text("name"),
		type: part.integer("type"),
		class: part.integer("class"),
	});
	const record = (part: LineFields): DnsRecord => ({
		...question(part),
		ttl: part.integer("ttl"),
		data: part.buffer("data"),
	});
	const extra = withUnknown(at, DNS_KEYS);
	return {
		id: at.integer("id"),
		query: at.boolean("query"),
		opCode: at.integer("op_code", 0),
		authoritativeAnswer: at.boolean("authoritative_answer", false),
		truncation: at.boolean("truncation", false),
		recursionDesired: at.boolean("recursion_desired", false),
		recursionAvailable: at.boolean("recursion_available", false),
		reserved: at.integer("reserved", 0),
		responseCode: at.integer("response_code", 0),
		questions: at.list("questions", question),
		answers: at.list("answers", record),
		authorities: at.list("authorities", record),
		additionals: at.list("additionals", record),
		timestamp: at.numberOrNull("timestamp"),
		...(extra !== undefined && { extra }),
	};
}

function connectionOf(at: LineFields): Connection {
	return {
		id: at.textOrNull("id") ?? randomUUID(),
		peername: at.readOr("peername", null, addressOf),
		sockname: at.readOr("sockname", null, addressOf),
		transportProtocol: at.readOr("transport_protocol", "tcp", transportOf),
		error: at.textOrNull("error"),
		tls: at.boolean("tls", false),
		tlsVersion: at.textOrNull("tls_version"),
		sni: at.textOrNull("sni"),
		alpn: at.readOr("alpn", null, bytesOf),
		alpnOffers: at.items("alpn_offers", "a list of strings", toBytesOfString),
		cipher: at.textOrNull("cipher"),
		cipherList: at.items("cipher_list", "a list of strings", String),
		certificateList: at.items("certificate_list", "a list of certificates", toBytes),
		timestampStart: at.numberOrNull("timestamp_start"),
		timestampTlsSetup: at.numberOrNull("timestamp_tls_setup"),
		timestampEnd: at.numberOrNull("timestamp_end"),
		extra: extraOf(at),
	};
}

function transportOf(at: LineFields): Connection["transportProtocol"] {
	const protocol = at.value("transport_protocol");
	return protocol === "tcp" || protocol === "udp" ? protocol : fail(at.wrong("transport_protocol", '"tcp" or "udp"'));
}

function clientOf(at: LineFields): ClientConnection {
	return {
		...connectionOf(at),
		mitmcert: at.readOr("mitmcert", null, bufferOf),
		proxyMode: at.text("proxy_mode", "regular"),
	};
}

function serverOf(at: LineFields): ServerConnection {
	return {
		...connectionOf(at),
		address: at.readOr("address", null, addressOf),
		timestampTcpSetup: at.numberOrNull("timestamp_tcp_setup"),
		via: at.readOr("via", null, viaOf),
	};
}

function viaOf(at: LineFields): ServerConnection["via"] {
	const [scheme, address = null] = at.array("via");
	const proxy = toAddress(address);
	return typeof scheme === "string" && proxy !== null
		? [scheme, proxy]
		: fail(at.wrong("via", "a scheme and an address"));
}

function addressOf(at: LineFields, key: string): Address {
	return toAddress(at.value(key)) ?? fail(at.wrong(key, "a list of host and port"));
}

function toAddress(value: Json): Address | null {
	return Array.isArray(value) &&
		typeof value[0] === "string" &&
		value.slice(1).every(Number.isSafeInteger) &&
		value.length > 1
		? (value as [string, number, ...number[]])
		: null;
}

// Each function reads one field. Creating a closure for every field would cost as much as reading the field.

function bytesOf(at: LineFields, key: string): string {
	return at.bytes(key);
}

function bufferOf(at: LineFields, key: string): Buffer {
	return at.buffer(key);
}

function integerOf(at: LineFields, key: string): number {
	return at.integer(key);
}

function booleanOf(at: LineFields, key: string): boolean {
	return at.boolean(key);
}
