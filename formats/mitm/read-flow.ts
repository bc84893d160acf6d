// A record of a dump, version 21, as a flow. Requests and responses are decoded at once; connections, metadata and backup,
// half of a record, are only checked and decoded when asked for.
import { FlowtapeError } from "../../src/errors.ts";
import { type ByteString, toText } from "../../src/flow/bytes.ts";
import { type Address, type ClientConnection, type Connection, clientConnection, type ServerConnection, serverConnection } from "../../src/flow/connection.ts";
import {
	DnsFlow,
	type DnsMessage,
	type DnsQuestion,
	type DnsRecord,
	type Flow,
	type FlowInit,
	HttpFlow,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
} from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { Request, Response } from "../../src/flow/message.ts";
import { Float, type Metadata, type MetaValue } from "../../src/flow/metadata.ts";
import type { Dictionary, Value } from "./tnetstring.ts";

/** Decodes a part that was only checked so far. */
export type Lazy = () => Value;

/** A record: its fields, the costly ones not decoded yet. */
export interface RecordFields {
	fields: Dictionary;
	clientConn: Lazy;
	serverConn: Lazy;
	metadata: Lazy;
	backup: Lazy;
}

const KNOWN = new Set([
	...[
		"version",
		"type",
		"id",
		"error",
		"client_conn",
		"server_conn",
		"intercepted",
		"is_replay",
		"marked",
		"metadata",
		"comment",
		"timestamp_created",
		"backup",
	],
	...["request", "response", "websocket", "messages"],
]);

/**
 * The flow of a record of version 21.
 * @throws FlowtapeError FT_CORRUPT_FLOW, with no place: the caller knows where the record stands
 */
export function readFlow({ fields, clientConn, serverConn, metadata, backup }: RecordFields): Flow {
	const init: FlowInit = {
		id: text(fields.id, "id"),
		error: readError(fields.error),
		intercepted: fields.intercepted === true,
		isReplay: readReplay(fields.is_replay),
		marked: optionalText(fields.marked) ?? "",
		comment: optionalText(fields.comment) ?? "",
		timestampCreated: optionalNumber(fields.timestamp_created) ?? 0,
		clientConn: () => readClient(clientConn()),
		serverConn: () => readServer(serverConn()),
		metadata: () => readMetadata(metadata()),
		backup: () => backup() as MetaValue,
		extra: unknownFields(fields),
	};
	switch (fields.type) {
		case "http":
			return new HttpFlow({
				...init,
				request: readRequest(dictionary(fields.request, "request")),
				response: readResponse(fields.response),
				websocket: readWebSocket(fields.websocket),
			});
		case "tcp":
			return new TcpFlow({ ...init, messages: readMessages(fields.messages) });
		case "udp":
			return new UdpFlow({ ...init, messages: readMessages(fields.messages) });
		case "dns":
			return new DnsFlow({ ...init, request: readDns(fields.request), response: isEmpty(fields.response) ? null : readDns(fields.response) });
		default:
			throw wrong("type", "http, tcp, udp or dns", fields.type);
	}
}

function unknownFields(fields: Dictionary): Record<string, unknown> | undefined {
	let extra: Record<string, unknown> | undefined;
	for (const name in fields) {
		if (KNOWN.has(name)) continue;
		extra ??= {};
		extra[name] = fields[name];
	}
	return extra === undefined ? undefined : { fields: extra };
}

function readRequest(fields: Dictionary): Request {
	return new Request({
		...readMessage(fields, "request"),
		method: bytes(fields.method, "request.method"),
		scheme: bytes(fields.scheme, "request.scheme"),
		host: hostText(fields.host),
		port: integer(fields.port, "request.port"),
		authority: bytes(fields.authority ?? "", "request.authority"),
		path: bytes(fields.path, "request.path"),
	});
}

function readResponse(value: Value | undefined): Response | null {
	if (isEmpty(value)) return null;
	const fields = dictionary(value, "response");
	return new Response({
		...readMessage(fields, "response"),
		statusCode: integer(fields.status_code, "response.status_code"),
		reason: bytes(fields.reason ?? "", "response.reason"),
	});
}

function readMessage(fields: Dictionary, where: string) {
	const content = fields.content;
	if (content !== null && content !== undefined && !Buffer.isBuffer(content)) throw wrong(`${where}.content`, "bytes", content);
	return {
		httpVersion: bytes(fields.http_version, `${where}.http_version`),
		headers: new Headers(readHeaders(fields.headers, `${where}.headers`)),
		body: content ?? null,
		trailers: isEmpty(fields.trailers) && !Array.isArray(fields.trailers) ? null : new Headers(readHeaders(fields.trailers, `${where}.trailers`)),
		timestampStart: number(fields.timestamp_start, `${where}.timestamp_start`),
		timestampEnd: optionalNumber(fields.timestamp_end),
	};
}

function readHeaders(value: Value | undefined, where: string): ByteString[] {
	if (!Array.isArray(value)) throw wrong(where, "a list of pairs", value);
	const flat: ByteString[] = [];
	for (const pair of value) {
		if (!Array.isArray(pair) || pair.length !== 2) throw wrong(where, "pairs of name and value", pair);
		flat.push(bytes(pair[0], where), bytes(pair[1], where));
	}
	return flat;
}

function readWebSocket(value: Value | undefined): WebSocketData | null {
	if (isEmpty(value)) return null;
	const fields = dictionary(value, "websocket");
	return {
		messages: list(fields.messages, "websocket.messages").map((item) => {
			const [opcode, fromClient, content, timestamp, dropped, injected] = list(item, "websocket.messages");
			return {
				opcode: integer(opcode, "websocket.messages"),
				fromClient: fromClient === true,
				content: Buffer.isBuffer(content) ? content : Buffer.from(text(content, "websocket.messages")),
				timestamp: number(timestamp, "websocket.messages"),
				dropped: dropped === true,
				injected: injected === true,
			};
		}),
		closedByClient: typeof fields.closed_by_client === "boolean" ? fields.closed_by_client : null,
		closeCode: optionalNumber(fields.close_code),
		closeReason: optionalText(fields.close_reason),
		timestampEnd: optionalNumber(fields.timestamp_end),
	};
}

function readMessages(value: Value | undefined): StreamMessage[] {
	return list(value, "messages").map((item) => {
		const [fromClient, content, timestamp] = list(item, "messages");
		if (!Buffer.isBuffer(content)) throw wrong("messages", "bytes", content);
		return { fromClient: fromClient === true, content, timestamp: optionalNumber(timestamp) ?? 0 };
	});
}

function readDns(value: Value | undefined): DnsMessage {
	const fields = dictionary(value, "a DNS message");
	const question = (item: Value): DnsQuestion => {
		const { name, type, class_ } = dictionary(item, "questions");
		return { name: text(name, "questions.name"), type: integer(type, "questions.type"), class: integer(class_, "questions.class_") };
	};
	const records = (section: string): DnsRecord[] =>
		list(fields[section], section).map((item) => {
			const { ttl, data } = dictionary(item, section);
			if (!Buffer.isBuffer(data)) throw wrong(`${section}.data`, "bytes", data);
			return { ...question(item), ttl: integer(ttl, `${section}.ttl`), data };
		});
	return {
		id: integer(fields.id, "id"),
		query: fields.query === true,
		opCode: integer(fields.op_code, "op_code"),
		authoritativeAnswer: fields.authoritative_answer === true,
		truncation: fields.truncation === true,
		recursionDesired: fields.recursion_desired === true,
		recursionAvailable: fields.recursion_available === true,
		reserved: integer(fields.reserved, "reserved"),
		responseCode: integer(fields.response_code, "response_code"),
		questions: list(fields.questions, "questions").map(question),
		answers: records("answers"),
		authorities: records("authorities"),
		additionals: records("additionals"),
		timestamp: optionalNumber(fields.timestamp),
	};
}

// Connections are decoded late, when a fault could no longer be told from one of the program: what does not fit is taken as not known.

function readConnection(fields: Dictionary): Omit<Connection, "extra"> {
	return {
		id: optionalText(fields.id) ?? "",
		peername: readAddress(fields.peername),
		sockname: readAddress(fields.sockname),
		transportProtocol: fields.transport_protocol === "udp" ? "udp" : "tcp",
		error: optionalText(fields.error),
		tls: fields.tls === true,
		certificateList: lenientList(fields.certificate_list).filter((item) => Buffer.isBuffer(item)),
		alpn: optionalBytes(fields.alpn),
		alpnOffers: lenientList(fields.alpn_offers).flatMap((item) => optionalBytes(item) ?? []),
		cipher: optionalText(fields.cipher),
		cipherList: lenientList(fields.cipher_list).flatMap((item) => optionalText(item) ?? []),
		tlsVersion: optionalText(fields.tls_version),
		sni: optionalText(fields.sni),
		timestampStart: optionalNumber(fields.timestamp_start),
		timestampEnd: optionalNumber(fields.timestamp_end),
		timestampTlsSetup: optionalNumber(fields.timestamp_tls_setup),
	};
}

function readClient(value: Value): ClientConnection {
	const fields = lenientDictionary(value);
	const { mitmcert } = fields;
	return clientConnection({
		...readConnection(fields),
		mitmcert: Buffer.isBuffer(mitmcert) ? mitmcert : null,
		proxyMode: optionalText(fields.proxy_mode) ?? "regular",
	});
}

function readServer(value: Value): ServerConnection {
	const fields = lenientDictionary(value);
	const [scheme, address] = lenientList(fields.via);
	const viaAddress = readAddress(address);
	const viaScheme = optionalText(scheme);
	return serverConnection({
		...readConnection(fields),
		address: readAddress(fields.address),
		timestampTcpSetup: optionalNumber(fields.timestamp_tcp_setup),
		via: viaScheme === null || viaAddress === null ? null : [viaScheme, viaAddress],
	});
}

function readAddress(value: Value | undefined): Address | null {
	if (!Array.isArray(value)) return null;
	const [host, ...numbers] = value;
	const name = optionalText(host);
	const [port = 0, ...more] = numbers.map((part) => optionalNumber(part) ?? 0);
	return name === null ? null : [name, port, ...more];
}

function readMetadata(value: Value): Metadata {
	return lenientDictionary(value) as Metadata;
}

function readError(value: Value | undefined): (FlowInit["error"] & object) | null {
	if (isEmpty(value)) return null;
	const fields = dictionary(value, "error");
	return { message: text(fields.msg, "error.msg"), timestamp: number(fields.timestamp, "error.timestamp") };
}

function readReplay(value: Value | undefined): "request" | "response" | null {
	return value === "request" || value === "response" ? value : null;
}

// What a value must be. Dumps of Python 2 have bytes where text is meant, and ASCII text passes for bytes.

/** mitmproxy takes an empty dictionary for none. */
function isEmpty(value: Value | undefined): boolean {
	return value === null || value === undefined || (isDictionary(value) && Object.keys(value).length === 0);
}

function isDictionary(value: Value | undefined): value is Dictionary {
	return typeof value === "object" && value !== null && !Array.isArray(value) && !Buffer.isBuffer(value) && !(value instanceof Float);
}

function dictionary(value: Value | undefined, where: string): Dictionary {
	if (!isDictionary(value)) throw wrong(where, "a dictionary", value);
	return value;
}

function lenientDictionary(value: Value | undefined): Dictionary {
	return isDictionary(value) ? value : (Object.create(null) as Dictionary);
}

function list(value: Value | undefined, where: string): Value[] {
	if (!Array.isArray(value)) throw wrong(where, "a list", value);
	return value;
}

function lenientList(value: Value | undefined): Value[] {
	return Array.isArray(value) ? value : [];
}

function bytes(value: Value | undefined, where: string): ByteString {
	const found = optionalBytes(value);
	if (found === null) throw wrong(where, "bytes", value);
	return found;
}

function optionalBytes(value: Value | undefined): ByteString | null {
	if (Buffer.isBuffer(value)) return value.latin1Slice();
	return typeof value === "string" ? Buffer.from(value).latin1Slice() : null;
}

function text(value: Value | undefined, where: string): string {
	const found = optionalText(value);
	if (found === null) throw wrong(where, "text", value);
	return found;
}

function optionalText(value: Value | undefined): string | null {
	if (typeof value === "string") return value;
	return Buffer.isBuffer(value) ? toText(value.latin1Slice()) : null;
}

function hostText(value: Value | undefined): string {
	return text(value, "request.host");
}

function integer(value: Value | undefined, where: string): number {
	if (typeof value !== "number" || !Number.isInteger(value)) throw wrong(where, "an integer", value);
	return value;
}

function number(value: Value | undefined, where: string): number {
	const found = optionalNumber(value);
	if (found === null) throw wrong(where, "a number", value);
	return found;
}

function optionalNumber(value: Value | undefined): number | null {
	if (value instanceof Float) return value.value;
	return typeof value === "number" ? value : null;
}

function wrong(where: string, expected: string, found: Value | undefined): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", `"${where}" is ${describe(found)}, ${expected} was expected`);
}

function describe(value: Value | undefined): string {
	if (value === undefined) return "missing";
	if (value === null) return "null";
	if (Buffer.isBuffer(value)) return "bytes";
	if (Array.isArray(value)) return "a list";
	if (isDictionary(value)) return "a dictionary";
	return typeof value === "string"
		? `the text ${JSON.stringify(value.slice(0, 40))}`
		: `the ${typeof value === "boolean" ? "truth value" : "number"} ${value instanceof Float ? value.value : value}`;
}
