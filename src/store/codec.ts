// Flows to and from the values of a row: columns for what is asked often, msgpack for the rest. The only door to msgpackr.
import { createRequire } from "node:module";
import type * as Msgpackr from "msgpackr";
import { FlowtapeError } from "../errors.ts";
import { type Body, bodyBytes } from "../flow/body.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { Address, ClientConnection, Connection, ServerConnection } from "../flow/connection.ts";
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
	type WebSocketMessage,
} from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Request, Response } from "../flow/message.ts";
import { Float, type Metadata, type MetaValue } from "../flow/metadata.ts";

const { Packr, addExtension } = createRequire(import.meta.url)("msgpackr") as typeof Msgpackr;

// whole floats and integers beyond 64 bits are not msgpack's own
addExtension({ Class: Float, type: 1, write: (float: Float) => String(float.value), read: (text: string) => new Float(Number(text)) });
class LongInteger {
	readonly digits: string;
	constructor(digits: string) {
		this.digits = digits;
	}
}
addExtension({ Class: LongInteger, type: 2, write: (long: LongInteger) => long.digits, read: (digits: string) => BigInt(digits) });

const packr = new Packr({ useRecords: false, mapsAsObjects: false, int64AsType: "bigint" });

type Packed = readonly unknown[];

/** @throws FlowtapeError FT_CORRUPT_FLOW */
function unpack(bytes: Uint8Array): unknown {
	try {
		return packr.unpack(bytes);
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: it is not msgpack", { cause });
	}
}

/** Whoever wrote a tape, header fields are pairs of strings and times are numbers. */
function checkMessage(version: unknown, fields: unknown, trailers: unknown, started: unknown, ended: unknown): void {
	const isFields = (list: unknown) => Array.isArray(list) && list.length % 2 === 0 && list.every((part) => typeof part === "string");
	const isTime = (time: unknown) => time === null || typeof time === "number";
	if (typeof version !== "string" || !isFields(fields) || !(trailers === null || isFields(trailers)) || typeof started !== "number" || !isTime(ended))
		throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: a message's head is not as expected");
}

/** A flow as a row: what `flow`'s columns hold, but for `seq`. */
export interface FlowRow {
	id: string;
	kind: string;
	started: number;
	method: ByteString | null;
	scheme: ByteString | null;
	host: string | null;
	pretty_host: string | null;
	port: number | null;
	path: ByteString | null;
	status: number | null;
	content_type: string | null;
	request_key: string | null;
	is_replay: string | null;
	marked: string;
	has_error: number;
	has_websocket: number;
	request_body: StoredBody;
	response_body: StoredBody;
	head: Uint8Array;
	client_conn: Uint8Array;
	server_conn: Uint8Array;
	rest: Uint8Array | null;
}

/** The part of a row from which a flow is made; the rest is read when somebody asks for it. */
export type RowFacts = Omit<
	FlowRow,
	"started" | "pretty_host" | "content_type" | "request_key" | "has_error" | "has_websocket" | "client_conn" | "server_conn" | "rest"
>;

/** Inline bytes, a number of `body`, or missing. */
export type StoredBody = Uint8Array | number | null;

/** A message as a row of `message`. */
export interface MessageRow {
	at: number;
	from_client: number;
	opcode: number | null;
	/** 1 dropped, 2 injected. */
	flags: number;
	bytes: Uint8Array;
}

/** Where the costly parts of a flow are put while it is written. */
export interface BodyWriter {
	writeBody(body: Body): StoredBody;
	/** Keeps a certificate; its key. */
	writeCertificate(pem: Uint8Array): Uint8Array;
}

/** Where the costly parts of a flow are when it is read. */
export interface BodyReader {
	readBody(stored: StoredBody): Body;
	readCertificate(hash: Uint8Array): Uint8Array;
	readMessages(seq: number): MessageRow[];
	readColumn(seq: number, column: "client_conn" | "server_conn" | "rest"): Uint8Array | null;
}

/** The row of a flow, without its messages. */
export function encodeFlow(flow: Flow, requestKey: string | null, writer: BodyWriter): FlowRow {
	const request = flow.type === "http" ? flow.request : null;
	const response = flow.type === "http" ? flow.response : null;
	return {
		id: flow.id,
		kind: flow.type,
		started: startedAt(flow),
		method: request?.method ?? null,
		scheme: request?.scheme ?? null,
		host: request?.host ?? null,
		pretty_host: request?.prettyHost ?? null,
		port: request?.port ?? null,
		path: request?.path ?? null,
		status: response?.statusCode ?? null,
		content_type: response?.headers.get("content-type") ?? null,
		request_key: requestKey,
		is_replay: flow.isReplay,
		marked: flow.marked,
		has_error: flow.error === null ? 0 : 1,
		has_websocket: flow.type === "http" && flow.websocket !== null ? 1 : 0,
		request_body: request === null ? null : writer.writeBody(request.body),
		response_body: response === null ? null : writer.writeBody(response.body),
		head: packr.pack(packHead(flow)),
		client_conn: packConnection(flow.clientConn, writer, packClientEnd),
		server_conn: packConnection(flow.serverConn, writer, packServerEnd),
		rest: packRest(flow),
	};
}

function startedAt(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
}

function packHead(flow: Flow): Packed {
	const { error } = flow;
	const common = [flow.timestampCreated, flow.comment, flow.intercepted, error === null ? null : [error.message, error.timestamp]];
	const extra = (flow.extra?.head as unknown[] | undefined) ?? [];
	if (flow.type === "http")
		return [...common, packRequest(flow.request), flow.response === null ? null : packResponse(flow.response), packWebSocket(flow.websocket), ...extra];
	if (flow.type === "dns") return [...common, packDns(flow.request), flow.response === null ? null : packDns(flow.response), ...extra];
	return [...common, ...extra];
}

function packRequest(request: Request): Packed {
	return [
		request.httpVersion,
		request.authority,
		request.headers.fields,
		request.trailers?.fields ?? null,
		request.timestampStart,
		request.timestampEnd,
		...tail(request.extra),
	];
}

function packResponse(response: Response): Packed {
	return [
		response.httpVersion,
		response.reason,
		response.headers.fields,
		response.trailers?.fields ?? null,
		response.timestampStart,
		response.timestampEnd,
		...tail(response.extra),
	];
}

/** Fields that a newer version wrote behind those we know: kept as they came. */
function tail(extra: Record<string, unknown> | undefined): unknown[] {
	return (extra?.tail as unknown[] | undefined) ?? [];
}

function withTail(packed: Packed, known: number): Record<string, unknown> | undefined {
	return packed.length > known ? { tail: packed.slice(known) } : undefined;
}

function packWebSocket(websocket: WebSocketData | null): Packed | null {
	return websocket === null ? null : [websocket.closedByClient, websocket.closeCode, websocket.closeReason, websocket.timestampEnd];
}

function packDns(message: DnsMessage): Packed {
	const records = (list: DnsRecord[]) => list.map((record) => [record.name, record.type, record.class, record.ttl, record.data]);
	return [
		...[message.id, message.query, message.opCode, message.authoritativeAnswer, message.truncation, message.recursionDesired, message.recursionAvailable],
		...[message.reserved, message.responseCode, message.timestamp],
		message.questions.map((question) => [question.name, question.type, question.class]),
		...[records(message.answers), records(message.authorities), records(message.additionals)],
	];
}

/** Connections are shared by many flows: each is packed once, and again only after it changed. */
const packedConnections = new WeakMap<Connection, { end: number | null; error: string | null; tls: number | null; writer: BodyWriter; bytes: Uint8Array }>();

function packConnection<C extends Connection>(connection: C, writer: BodyWriter, end: (connection: C) => Packed): Uint8Array {
	const kept = packedConnections.get(connection);
	if (
		kept !== undefined &&
		kept.end === connection.timestampEnd &&
		kept.error === connection.error &&
		kept.tls === connection.timestampTlsSetup &&
		kept.writer === writer
	)
		return kept.bytes;
	const bytes = packr.pack([
		...[connection.id, connection.peername, connection.sockname, connection.transportProtocol, connection.error, connection.tls],
		connection.certificateList.map((pem) => writer.writeCertificate(pem)),
		...[connection.alpn, connection.alpnOffers, connection.cipher, connection.cipherList, connection.tlsVersion, connection.sni],
		...[connection.timestampStart, connection.timestampEnd, connection.timestampTlsSetup],
		...end(connection),
		...tail(connection.extra),
	]);
	packedConnections.set(connection, { end: connection.timestampEnd, error: connection.error, tls: connection.timestampTlsSetup, writer, bytes });
	return bytes;
}

const packClientEnd = (client: ClientConnection): Packed => [client.mitmcert, client.proxyMode];
const packServerEnd = (server: ServerConnection): Packed => [server.address, server.timestampTcpSetup, server.via];

/** Metadata and backup, which few flows have. */
function packRest(flow: Flow): Uint8Array | null {
	const { metadata, backup } = flow;
	const hasMetadata = Object.keys(metadata).length > 0;
	if (!hasMetadata && backup === null && flow.extra?.rest === undefined) return null;
	return packr.pack([hasMetadata ? plain(metadata) : null, plain(backup), ...((flow.extra?.rest as unknown[] | undefined) ?? [])]);
}

function plain(value: MetaValue): unknown {
	if (typeof value === "bigint") return BigInt.asIntN(64, value) === value ? value : new LongInteger(String(value));
	if (typeof value !== "object" || value === null || value instanceof Float || value instanceof Uint8Array) return value;
	if (Array.isArray(value)) return value.map(plain);
	return new Map(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function fromPlain(value: unknown): MetaValue {
	if (Array.isArray(value)) return value.map(fromPlain);
	if (!(value instanceof Map)) return value as MetaValue;
	const dictionary = Object.create(null) as Metadata;
	for (const [key, item] of value) dictionary[String(key)] = fromPlain(item);
	return dictionary;
}

/** The messages of a flow, as rows. */
export function encodeMessages(flow: Flow): MessageRow[] {
	if (flow.type === "dns") return [];
	const messages: readonly (StreamMessage | WebSocketMessage)[] = flow.type === "http" ? (flow.websocket?.messages ?? []) : flow.messages;
	return messages.map(encodeMessage);
}

export function encodeMessage(message: StreamMessage | WebSocketMessage): MessageRow {
	return {
		at: message.timestamp,
		from_client: message.fromClient ? 1 : 0,
		opcode: "opcode" in message ? message.opcode : null,
		flags: "opcode" in message ? (message.dropped ? 1 : 0) | (message.injected ? 2 : 0) : 0,
		bytes: message.content,
	};
}

/**
 * The flow of a row. Bodies, connections, certificates, metadata are read when asked for.
 * @throws FlowtapeError FT_CORRUPT_FLOW, or a TypeError where damaged bytes are msgpack of something else
 */
export function decodeFlow(seq: number, row: RowFacts, reader: BodyReader): Flow {
	const head = unpack(row.head) as unknown[];
	const error = head[3] as [string, number] | null;
	const rest = once(() => unpackRest(reader.readColumn(seq, "rest")));
	const init: FlowInit = {
		id: row.id,
		timestampCreated: head[0] as number,
		comment: head[1] as string,
		intercepted: head[2] as boolean,
		error: error === null ? null : { message: error[0], timestamp: error[1] },
		isReplay: row.is_replay as FlowInit["isReplay"] & string,
		marked: row.marked,
		clientConn: () => unpackClient(reader.readColumn(seq, "client_conn"), reader),
		serverConn: () => unpackServer(reader.readColumn(seq, "server_conn"), reader),
		metadata: () => fromPlain(rest()[0] ?? new Map()) as Metadata,
		backup: () => fromPlain(rest()[1] ?? null),
	};
	const known = row.kind === "http" ? 7 : row.kind === "dns" ? 6 : 4;
	if (head.length > known) init.extra = { head: head.slice(known) };
	return flowOfKind(seq, row, head, init, reader);
}

function unpackRest(bytes: Uint8Array | null): unknown[] {
	return bytes === null ? [] : (unpack(bytes) as unknown[]);
}

function flowOfKind(seq: number, row: RowFacts, head: unknown[], init: FlowInit, reader: BodyReader): Flow {
	switch (row.kind) {
		case "http": {
			const response = head[5] as Packed | null;
			const websocket = head[6] as Packed | null;
			return new HttpFlow({
				...init,
				request: unpackRequest(row, head[4] as Packed, reader),
				response: response === null ? null : unpackResponse(row, response, reader),
				websocket: websocket === null ? null : unpackWebSocket(websocket, reader.readMessages(seq)),
			});
		}
		case "dns":
			return new DnsFlow({ ...init, request: unpackDns(head[4] as Packed), response: head[5] === null ? null : unpackDns(head[5] as Packed) });
		case "tcp":
		case "udp": {
			const messages = reader
				.readMessages(seq)
				.map((message) => ({ fromClient: message.from_client === 1, content: asBuffer(message.bytes), timestamp: message.at }));
			return row.kind === "tcp" ? new TcpFlow({ ...init, messages }) : new UdpFlow({ ...init, messages });
		}
		default:
			throw new TypeError(`a flow of unknown kind "${row.kind}"`);
	}
}

function unpackRequest(row: RowFacts, packed: Packed, reader: BodyReader): Request {
	const [httpVersion, authority, fields, trailers, timestampStart, timestampEnd] = packed as [
		ByteString,
		ByteString,
		ByteString[],
		ByteString[] | null,
		number,
		number | null,
	];
	checkMessage(httpVersion, fields, trailers, timestampStart, timestampEnd);
	return new Request({
		method: row.method ?? "",
		scheme: row.scheme ?? "",
		host: row.host ?? "",
		port: row.port ?? 0,
		path: row.path ?? "",
		httpVersion,
		authority,
		headers: new Headers(fields),
		trailers: trailers === null ? null : new Headers(trailers),
		timestampStart,
		timestampEnd,
		body: reader.readBody(row.request_body),
		extra: withTail(packed, 6),
	});
}

function unpackResponse(row: RowFacts, packed: Packed, reader: BodyReader): Response {
	const [httpVersion, reason, fields, trailers, timestampStart, timestampEnd] = packed as [
		ByteString,
		ByteString,
		ByteString[],
		ByteString[] | null,
		number,
		number | null,
	];
	checkMessage(httpVersion, fields, trailers, timestampStart, timestampEnd);
	return new Response({
		statusCode: row.status ?? 0,
		reason,
		httpVersion,
		headers: new Headers(fields),
		trailers: trailers === null ? null : new Headers(trailers),
		timestampStart,
		timestampEnd,
		body: reader.readBody(row.response_body),
		extra: withTail(packed, 6),
	});
}

function unpackWebSocket(packed: Packed, messages: MessageRow[]): WebSocketData {
	const [closedByClient, closeCode, closeReason, timestampEnd] = packed as [boolean | null, number | null, string | null, number | null];
	return {
		closedByClient,
		closeCode,
		closeReason,
		timestampEnd,
		messages: messages.map((message) => ({
			opcode: message.opcode ?? 2,
			fromClient: message.from_client === 1,
			content: asBuffer(message.bytes),
			timestamp: message.at,
			dropped: (message.flags & 1) !== 0,
			injected: (message.flags & 2) !== 0,
		})),
	};
}

function unpackDns(packed: Packed): DnsMessage {
	const [id, query, opCode, authoritativeAnswer, truncation, recursionDesired, recursionAvailable, reserved, responseCode, timestamp, questions, ...sections] =
		packed as [
			...[number, boolean, number, boolean, boolean, boolean, boolean, number, number, number | null],
			...[[string, number, number][], ...[string, number, number, number, Uint8Array][][]],
		];
	const records = (section = 0): DnsRecord[] =>
		(sections[section] ?? []).map(([name, type, kind, ttl, data]) => ({ name, type, class: kind, ttl, data: asBuffer(data) }));
	return {
		...{ id, query, opCode, authoritativeAnswer, truncation, recursionDesired, recursionAvailable, reserved, responseCode, timestamp },
		questions: questions.map(([name, type, kind]): DnsQuestion => ({ name, type, class: kind })),
		answers: records(0),
		authorities: records(1),
		additionals: records(2),
	};
}

const CONNECTION_FIELDS = 16;

type PackedConnection = [
	...[id: string, peername: Address | null, sockname: Address | null, transportProtocol: "tcp" | "udp", error: string | null, tls: boolean],
	...[certificates: Uint8Array[], alpn: ByteString | null, alpnOffers: ByteString[], cipher: string | null, cipherList: string[]],
	...[tlsVersion: string | null, sni: string | null, timestampStart: number | null, timestampEnd: number | null, timestampTlsSetup: number | null],
];

function unpackConnection(packed: Packed, reader: BodyReader): Connection {
	const [id, peername, sockname, transportProtocol, error, tls, certificates, ...more] = packed as unknown as PackedConnection;
	const [alpn, alpnOffers, cipher, cipherList, tlsVersion, sni, timestampStart, timestampEnd, timestampTlsSetup] = more;
	const certificateList = certificates.map((hash) => reader.readCertificate(hash));
	return {
		...{ id, peername, sockname, transportProtocol, error, tls, certificateList, alpn, alpnOffers },
		...{ cipher, cipherList, tlsVersion, sni, timestampStart, timestampEnd, timestampTlsSetup },
	};
}

function unpackClient(bytes: Uint8Array | null, reader: BodyReader): ClientConnection {
	const packed = unpack(bytes ?? Buffer.alloc(0)) as unknown[];
	const [mitmcert, proxyMode] = packed.slice(CONNECTION_FIELDS) as [Uint8Array | null, string];
	return { ...unpackConnection(packed, reader), mitmcert, proxyMode, extra: withTail(packed, CONNECTION_FIELDS + 2) };
}

function unpackServer(bytes: Uint8Array | null, reader: BodyReader): ServerConnection {
	const packed = unpack(bytes ?? Buffer.alloc(0)) as unknown[];
	const [address, timestampTcpSetup, via] = packed.slice(CONNECTION_FIELDS) as [Address | null, number | null, ServerConnection["via"]];
	return { ...unpackConnection(packed, reader), address, timestampTcpSetup, via, extra: withTail(packed, CONNECTION_FIELDS + 3) };
}

function once<T>(make: () => T): () => T {
	let made: { value: T } | undefined;
	return () => {
		made ??= { value: make() };
		return made.value;
	};
}

function asBuffer(bytes: Uint8Array): Buffer {
	return bodyBytes(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes)) as Buffer;
}
