// Encodes flows as rows and decodes them: fields that are searched have columns, the rest is in msgpack records. Bodies
// and connections have tables of their own.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodySize } from "../../flow/body.ts";
import { asBuffer } from "../../flow/bytes.ts";
import {
	type ClientConnection,
	clientConnection,
	type ServerConnection,
	serverConnection,
} from "../../flow/connection.ts";
import { durationOf, firstByteOf, startOf } from "../../flow/durations.ts";
import { endOf, impliedEnd, toEnd } from "../../flow/ending.ts";
import {
	DnsFlow,
	type Flow,
	type FlowFailure,
	type FlowInit,
	HttpFlow,
	type Lazy,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
	type WebSocketMessage,
} from "../../flow/flow.ts";
import { type LazyMessage, readLazily } from "../../flow/lazy-messages.ts";
import type { Request, Response } from "../../flow/message.ts";
import { isDictionary, type MetaValue } from "../../flow/metadata.ts";
import { damagedRecord } from "./damage.ts";
import type { FlowColumns, FlowRow, MessageRow, NumberedMessage, StoredBody } from "./flow-row.ts";
import { fromMeta, type Packed, pack, toMeta, unpackRecord } from "./msgpack.ts";
import {
	packDns,
	packRequest,
	packResponse,
	packWebSocket,
	type RequestColumns,
	unpackDns,
	unpackRequest,
	unpackResponse,
	unpackWebSocket,
} from "./pack-message.ts";
import { isWholeMessage, unsealed } from "./row-sum.ts";
import { fromStored, toStored } from "./text.ts";

/** Writes the large and the shared parts of a flow. */
export interface PartWriter {
	writeBody(body: Body): StoredBody;
	/** Returns the id of the connection's row. */
	writeClient(client: ClientConnection | Lazy<ClientConnection>): number;
	writeServer(server: ServerConnection | Lazy<ServerConnection>): number;
}

/**
 * Reads the large and the shared parts of a flow. A damaged body or list of messages is reported and left out. A
 * damaged connection throws FlowtapeError FT_CORRUPT_FLOW, or FT_STORE if its row cannot be read.
 */
export interface PartReader {
	readBody(stored: StoredBody, size: number | null): Body;
	/** The connection with a row id. */
	readClient(row: number): ClientConnection;
	readServer(row: number): ServerConnection;
	/** A reference to a connection's row, by which a writer of the same kind can copy it. */
	rowRefOf(row: number): object;
	/** The stored messages of a flow, in order, without a check of their checksums. */
	readMessages(seq: number): NumberedMessage[];
	/** As `readMessages`, but `bytes` is null if there are more than `limit`. */
	readSmallMessages(seq: number, limit: number): (Omit<NumberedMessage, "bytes"> & { bytes: Uint8Array | null })[];
	/** A single message; undefined: it is missing. */
	readMessage(seq: number, n: number): NumberedMessage | undefined;
	/** Reports that a part of a flow is damaged and is left out. */
	reportDamage(seq: number, what: string, cause: unknown): void;
}

/**
 * Encodes the row of a flow. Bodies and connections go to `writer`; for messages see `encodeMessages`.
 * @param messages number of the flow's messages; null: not known yet
 */
export function encodeFlow(
	flow: Flow,
	requestKey: string | null,
	writer: PartWriter,
	messages: number | null = messagesOf(flow).length,
): FlowRow {
	const request = flow.type === "http" ? flow.request : null;
	const response = flow.type === "http" ? flow.response : null;
	const original = flow.type === "http" ? flow.original : null;
	const { client, server } = flow.connections;
	return {
		id: toStored(flow.id),
		kind: flow.type,
		started: orZero(startOf(flow)),
		method: request?.method ?? null,
		scheme: request?.scheme ?? null,
		host: request === null ? null : toStored(request.host),
		pretty_host: request === null ? null : toStored(request.prettyHost),
		port: request?.port ?? null,
		path: request?.path ?? null,
		status: response?.statusCode ?? null,
		content_type: response?.headers.get("content-type") ?? null,
		request_key: requestKey,
		is_replay: flow.isReplay,
		marked: toStored(flow.marked),
		has_error: flow.error === null ? 0 : 1,
		has_websocket: flow.type === "http" && flow.websocket !== null ? 1 : 0,
		coded: (isCoded(request) ? 1 : 0) | (isCoded(response) ? 2 : 0),
		request_size: bodySize(request?.body ?? null),
		response_size: bodySize(response?.body ?? null),
		request_body: writer.writeBody(request?.body ?? null),
		response_body: writer.writeBody(response?.body ?? null),
		client_conn: writer.writeClient(client),
		server_conn: writer.writeServer(server),
		head: pack(headOf(flow, messages)),
		rest: packRest(flow),
		ended: flow.type === "http" ? endOf(flow) : null,
		refreshed: flow.type === "http" ? flow.refreshed : null,
		session: flow.session === null ? null : toStored(flow.session),
		duration: durationOf(flow),
		first_byte: firstByteOf(flow),
		original: original === null ? null : packOriginal(original),
		original_body: original === null ? null : writer.writeBody(original.body),
	};
}

/** Packs a request without its body. */
function packOriginal(request: Request): Uint8Array {
	const { method, scheme, host, port, path, bodySize: size } = request;
	return pack([method, scheme, toStored(host), port, path, size, packRequest(request)]);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
function unpackOriginal(bytes: Uint8Array, body: StoredBody, reader: PartReader): Request {
	const [method, scheme, host, port, path, size, request] = unpackRecord(bytes);
	const areTexts = [method, scheme, host, path].every((part) => typeof part === "string");
	if (!areTexts || typeof port !== "number" || (size !== null && typeof size !== "number"))
		throw damagedRecord("invalid original request");
	const columns = { method, scheme, host, port, path } as RequestColumns;
	return unpackRequest(request, columns, reader.readBody(body, size));
}

function isCoded(message: Request | Response | null): boolean {
	return message?.headers.has("content-encoding") ?? false;
}

/** SQLite cannot store NaN, which a time from another format may be. */
function orZero(time: number): number {
	return Number.isNaN(time) ? 0 : time;
}

function headOf(flow: Flow, messages: number | null): Packed {
	const { error, extra } = flow;
	const common = [
		flow.timestampCreated,
		toStored(flow.comment),
		flow.intercepted,
		error === null ? null : [toStored(error.message), error.timestamp],
	];
	const tail = Array.isArray(extra?.head) ? extra.head : [];
	if (flow.type === "http") {
		const { request, response, websocket } = flow;
		return [
			...common,
			packRequest(request),
			response === null ? null : packResponse(response),
			websocket === null ? null : packWebSocket(websocket, messages),
			...tail,
		];
	}
	if (flow.type === "dns")
		return [...common, packDns(flow.request), flow.response === null ? null : packDns(flow.response), ...tail];
	return [...common, messages, ...tail];
}

/** Number of fields in a head that this version knows. Further fields are kept unchanged. */
const HEAD_FIELDS: Readonly<Record<string, number>> = { http: 7, dns: 6, tcp: 5, udp: 5 };

/** Packs metadata, backup and the fields of other formats, which few flows have; null: there are none. */
function packRest(flow: Flow): Uint8Array | null {
	const { hasMetadata, backup, extra } = flow;
	const fields = extra?.fields as MetaValue | undefined;
	const tail = Array.isArray(extra?.rest) ? extra.rest : [];
	if (!hasMetadata && backup === null && fields === undefined && tail.length === 0) return null;
	return pack([hasMetadata ? fromMeta(flow.metadata) : null, fromMeta(backup), fromMeta(fields ?? null), ...tail]);
}

const REST_FIELDS = 3;

/** Flag of a message: its bytes are compressed (RFC 1951). */
const CODED = 4;
/** Messages larger than this are compressed if that makes them smaller. Bytes. */
const CODED_FROM = 64 * 1024;
/** Size of the sample that shows whether compression saves enough. Bytes. */
const SAMPLE_BYTES = 8 * 1024;
/** Limit for the inflated size of a message. Bytes. */
const INFLATED_LIMIT = 256 * 1024 * 1024;

/** Compresses the bytes of a large message; null: it is not large, or compression saves too little. */
function codeLarge(content: Buffer): Buffer | null {
	if (content.length <= CODED_FROM) return null;
	const sample = deflateRawSync(content.subarray(0, SAMPLE_BYTES), { level: 1 });
	if (sample.length > 0.75 * SAMPLE_BYTES) return null;
	const coded = deflateRawSync(content, { level: 1 });
	return coded.length < content.length ? coded : null;
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
function contentOf(bytes: Uint8Array, flags: number): Buffer {
	if ((flags & CODED) === 0) return asBuffer(bytes);
	try {
		return inflateRawSync(bytes, { maxOutputLength: INFLATED_LIMIT });
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "the bytes of a message cannot be inflated", { cause });
	}
}

/** The messages of a flow as rows. */
export function encodeMessages(flow: Flow): MessageRow[] {
	return messagesOf(flow).map(encodeMessage);
}

/** The messages of a flow; empty for a flow without any. */
export function messagesOf(flow: Flow): readonly (StreamMessage | WebSocketMessage)[] {
	if (flow.type === "dns") return [];
	return flow.type === "http" ? (flow.websocket?.messages ?? []) : flow.messages;
}

export function encodeMessage(message: StreamMessage | WebSocketMessage): MessageRow {
	const coded = codeLarge(message.content);
	const bytes = coded ?? message.content;
	const flags =
		("opcode" in message ? (message.dropped ? 1 : 0) | (message.injected ? 2 : 0) : 0) | (coded === null ? 0 : CODED);
	return {
		at: orZero(message.timestamp),
		from_client: message.fromClient ? 1 : 0,
		opcode: "opcode" in message ? message.opcode : null,
		flags,
		bytes,
	};
}

/**
 * Decodes the flow of a row. Bodies, connections and messages are read on access. Damaged connections or metadata are
 * reported and left out.
 * @throws FlowtapeError FT_CORRUPT_FLOW
 */
export function decodeFlow(seq: number, row: FlowColumns, reader: PartReader): Flow {
	const head = unpackRecord(unsealed(row.head));
	const init = initOf(seq, row, head, reader);
	const known = HEAD_FIELDS[row.kind];
	if (known === undefined) throw damagedRecord(`unknown kind of flow "${row.kind}"`);
	if (head.length > known) init.extra = { ...init.extra, head: head.slice(known) };
	const [, , , , request, response, websocket] = head;
	switch (row.kind) {
		case "http": {
			const answer =
				response === null
					? null
					: unpackResponse(response, row.status, reader.readBody(row.response_body, row.response_size));
			return new HttpFlow(
				Object.assign(init, {
					request: unpackRequest(request, row, reader.readBody(row.request_body, row.request_size)),
					response: answer,
					websocket:
						websocket === null
							? null
							: storedWebSocket(
									unpackWebSocket(websocket),
									() => readMessages(seq, countIn(row.kind, head), reader, toWebSocketMessage),
									() => readLazyMessages(seq, countIn(row.kind, head), reader),
								),
					// older rows have no such column
					ended: toEnd(row.ended) ?? impliedEnd({ response: answer, error: init.error ?? null }),
					refreshed: row.refreshed,
					original: originalOf(seq, row, reader),
				}),
			);
		}
		case "dns":
			return new DnsFlow({
				...init,
				request: unpackDns(request),
				response: response === null ? null : unpackDns(response),
			});
		default: {
			const messages = () => readMessages(seq, countIn(row.kind, head), reader, toStreamMessage);
			return row.kind === "tcp" ? new TcpFlow({ ...init, messages }) : new UdpFlow({ ...init, messages });
		}
	}
}

/**
 * The number of messages that the packed head of a flow states. null: it states none, as in older rows, and in those of
 * recordings that were killed.
 * @throws FlowtapeError FT_CORRUPT_FLOW
 */
export function messageCount(kind: string, head: Uint8Array): number | null {
	return countIn(kind, unpackRecord(unsealed(head)));
}

function countIn(kind: string, head: Packed): number | null {
	const count = kind === "http" ? (head[6] as Packed | null)?.[4] : head[4];
	return typeof count === "number" ? count : null;
}

function originalOf(
	seq: number,
	{ original, original_body }: Pick<FlowColumns, "original" | "original_body">,
	reader: PartReader,
): Request | null {
	return original === null
		? null
		: intact(seq, reader, "its original request", () => unpackOriginal(original, original_body, reader));
}

/** The columns that make up the request of an HTTP flow. */
type RequestOfRow = RequestColumns &
	Pick<FlowColumns, "head" | "request_body" | "request_size" | "original" | "original_body">;

/** The request of an HTTP flow; the original one if it was changed. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeRequest(seq: number, row: RequestOfRow, reader: PartReader): Request {
	return (
		originalOf(seq, row, reader) ??
		unpackRequest(unpackRecord(unsealed(row.head))[4], row, reader.readBody(row.request_body, row.request_size))
	);
}

/** The response of an HTTP flow that has one, how it ended, and its error. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeAnswer(
	{ head, status, ended }: { head: Uint8Array; status: number; ended: string | null },
	body: Body,
) {
	const packed = unpackRecord(unsealed(head));
	const response = unpackResponse(packed[5], status, body);
	const error = failureOf(packed[3]);
	return { response, error, ended: toEnd(ended) ?? impliedEnd({ response, error }) };
}

function initOf(seq: number, row: FlowColumns, head: Packed, reader: PartReader): FlowInit {
	const [timestampCreated, comment, intercepted, error] = head;
	if (
		typeof timestampCreated !== "number" ||
		typeof comment !== "string" ||
		typeof intercepted !== "boolean" ||
		!isFailure(error)
	)
		throw damagedRecord("invalid head");
	const init: FlowInit = {
		id: fromStored(row.id),
		timestampCreated,
		comment: fromStored(comment),
		intercepted,
		error: failureOf(error),
		isReplay: row.is_replay === "request" || row.is_replay === "response" ? row.is_replay : null,
		marked: fromStored(row.marked),
		session: row.session === null ? null : fromStored(row.session),
		clientConn: withRowRef(
			() =>
				intact(seq, reader, "its client connection", () => reader.readClient(row.client_conn)) ??
				clientConnection({ id: "" }),
			reader.rowRefOf(row.client_conn),
		),
		serverConn: withRowRef(
			() =>
				intact(seq, reader, "its server connection", () => reader.readServer(row.server_conn)) ??
				serverConnection({ id: "" }),
			reader.rowRefOf(row.server_conn),
		),
	};
	if (row.rest !== null) addRest(init, seq, row.rest, reader);
	return init;
}

function failureOf(packed: unknown): FlowFailure | null {
	return isFailure(packed) && packed !== null ? { message: fromStored(packed[0]), timestamp: packed[1] } : null;
}

function withRowRef<T>(read: { (): T; rowRef?: object }, rowRef: object): Lazy<T> {
	read.rowRef = rowRef;
	return read;
}

function isFailure(error: unknown): error is [message: string, timestamp: number] | null {
	return error === null || (Array.isArray(error) && typeof error[0] === "string" && typeof error[1] === "number");
}

function addRest(init: FlowInit, seq: number, bytes: Uint8Array, reader: PartReader): void {
	const rest = intact(seq, reader, "its metadata", () => {
		const packed = unpackRecord(bytes);
		return {
			packed,
			metadata: toMeta(packed[0] ?? new Map()),
			backup: toMeta(packed[1] ?? null),
			fields: toMeta(packed[2] ?? null),
		};
	});
	if (rest === null) return;
	if (isDictionary(rest.metadata)) init.metadata = rest.metadata;
	init.backup = rest.backup;
	if (rest.fields !== null) init.extra = { fields: rest.fields };
	if (rest.packed.length > REST_FIELDS) init.extra = { ...init.extra, rest: rest.packed.slice(REST_FIELDS) };
}

/** Returns the result of `read`. If the part is damaged, reports that and returns null. */
function intact<T>(seq: number, reader: PartReader, what: string, read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		// either the record is damaged, or the page of the file that holds it
		if (!FlowtapeError.is(error, "FT_CORRUPT_FLOW", "FT_STORE")) throw error;
		reader.reportDamage(seq, what, error);
		return null;
	}
}

/**
 * Reads and converts the messages of a flow. Damaged and missing ones are reported and left out.
 * @param count number of messages that the flow's head states
 */
function readMessages<T>(seq: number, count: number | null, reader: PartReader, convert: (row: MessageRow) => T): T[] {
	const rows = reader.readMessages(seq);
	reportMissing(seq, count, reader, rows);
	return rows.flatMap((row) => readMessage(seq, reader, row, convert) ?? []);
}

function reportMissing(seq: number, count: number | null, reader: PartReader, rows: readonly { n: number }[]): void {
	const isGap = rows.some(({ n }, index) => n !== index);
	if (!isGap && (count === null || count === rows.length)) return;
	const why = isGap ? "a message is missing" : `expected ${count} messages, found ${rows.length}`;
	reader.reportDamage(seq, "the list of its messages", new FlowtapeError("FT_CORRUPT_FLOW", why));
}

function readMessage<T>(
	seq: number,
	reader: PartReader,
	row: NumberedMessage | undefined,
	convert: (row: MessageRow) => T,
): T | null {
	try {
		if (row === undefined) throw new FlowtapeError("FT_CORRUPT_FLOW", "it is missing");
		if (!isWholeMessage(seq, row.n, row)) throw new FlowtapeError("FT_CORRUPT_FLOW", "its checksum does not match");
		return convert(row);
	} catch (error) {
		reader.reportDamage(seq, "a message", error);
		return null;
	}
}

/** Larger messages of a WebSocket can be read lazily. Bytes on the tape. */
const LAZY_FROM = 64 * 1024;

/** As `readMessages`, for a WebSocket; the content of a large message is read on each call. */
function readLazyMessages(seq: number, count: number | null, reader: PartReader): LazyMessage[] {
	const rows = reader.readSmallMessages(seq, LAZY_FROM);
	reportMissing(seq, count, reader, rows);
	return rows.flatMap(({ bytes, ...row }): LazyMessage | readonly LazyMessage[] => {
		if (bytes !== null) return readMessage(seq, reader, { ...row, bytes }, toWebSocketMessage) ?? [];
		const content = () =>
			readMessage(seq, reader, reader.readMessage(seq, row.n), (whole) => contentOf(whole.bytes, whole.flags));
		return { ...headOfMessage(row), content };
	});
}

function toStreamMessage({ from_client, bytes, at, flags }: MessageRow): StreamMessage {
	return { fromClient: from_client === 1, content: contentOf(bytes, flags), timestamp: at };
}

/** A WebSocket whose messages are read on access. */
function storedWebSocket(
	end: Omit<WebSocketData, "messages">,
	read: () => WebSocketMessage[],
	readLarge: () => LazyMessage[],
): WebSocketData {
	let messages: WebSocketMessage[] | undefined;
	const data: WebSocketData = {
		...end,
		get messages() {
			messages ??= read();
			return messages;
		},
		set messages(replaced) {
			messages = replaced;
		},
	};
	return readLazily(data, () => messages ?? readLarge());
}

function headOfMessage({
	opcode,
	from_client,
	at,
	flags,
}: Omit<MessageRow, "bytes">): Omit<WebSocketMessage, "content"> {
	return {
		opcode: opcode ?? 2,
		fromClient: from_client === 1,
		timestamp: at,
		dropped: (flags & 1) !== 0,
		injected: (flags & 2) !== 0,
	};
}

function toWebSocketMessage(row: MessageRow): WebSocketMessage {
	return { ...headOfMessage(row), content: contentOf(row.bytes, row.flags) };
}
