// Flows to and from the values of a row: columns for what is asked often, records for the rest, bodies and connections elsewhere.
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodySize } from "../../flow/body.ts";
import type { ByteString } from "../../flow/bytes.ts";
import { type ClientConnection, clientConnection, type ServerConnection, serverConnection } from "../../flow/connection.ts";
import { durationOf, firstByteOf } from "../../flow/durations.ts";
import { endOf, impliedEnd, toEnd } from "../../flow/ending.ts";
import {
	DnsFlow,
	type Flow,
	type FlowFailure,
	type FlowInit,
	HttpFlow,
	type Later,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
	type WebSocketMessage,
} from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import { isDictionary, type MetaValue } from "../../flow/metadata.ts";
import type { FlowFacts, FlowRow, MessageRow, StoredBody } from "./flow-row.ts";
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
import { fromStored, toStored } from "./text.ts";

/** Where the large and the shared parts of a flow are put. */
export interface PartWriter {
	writeBody(body: Body): StoredBody;
	/** The number of a connection. */
	writeClient(client: ClientConnection | Later<ClientConnection>): number;
	writeServer(server: ServerConnection | Later<ServerConnection>): number;
}

/** Where they are when a flow is read. What these throw for damage is FlowtapeError FT_CORRUPT_FLOW. */
export interface PartReader {
	readBody(stored: StoredBody, size: number | null): Body;
	/** The connection of a number. */
	readClient(row: number): ClientConnection;
	readServer(row: number): ServerConnection;
	/** The place of a connection, as a writer of the same kind knows it. */
	placeOf(row: number): object;
	readMessages(seq: number): MessageRow[];
	/** Says that a part of a flow is damaged and left out. */
	reportDamage(seq: number, what: string, cause: unknown): void;
}

/** The row of a flow, without its messages. */
export function encodeFlow(flow: Flow, requestKey: string | null, writer: PartWriter): FlowRow {
	const request = flow.type === "http" ? flow.request : null;
	const response = flow.type === "http" ? flow.response : null;
	const original = flow.type === "http" ? flow.original : null;
	const { client, server } = flow.connections;
	return {
		id: toStored(flow.id),
		kind: flow.type,
		started: orZero(startedAt(flow)),
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
		head: pack(headOf(flow)),
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

/** A request without its body. */
function packOriginal(request: Request): Uint8Array {
	const { method, scheme, host, port, path, bodySize: size } = request;
	return pack([method, scheme, toStored(host), port, path, size, packRequest(request)]);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
function unpackOriginal(bytes: Uint8Array, body: StoredBody, reader: PartReader): Request {
	const [method, scheme, host, port, path, size, request] = unpackRecord(bytes);
	const areTexts = [method, scheme, host, path].every((part) => typeof part === "string");
	if (!areTexts || typeof port !== "number" || (size !== null && typeof size !== "number"))
		throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: the request as it came is not as expected");
	const columns = { method, scheme, host, port, path } as { method: ByteString; scheme: ByteString; host: string; port: number; path: ByteString };
	return unpackRequest(request, columns, reader.readBody(body, size));
}

function isCoded(message: Request | Response | null): boolean {
	return message?.headers.has("content-encoding") ?? false;
}

function startedAt(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
}

/** SQLite keeps no "not a number", which other formats may have for a time. */
function orZero(time: number): number {
	return Number.isNaN(time) ? 0 : time;
}

function headOf(flow: Flow): Packed {
	const { error, extra } = flow;
	const common = [flow.timestampCreated, toStored(flow.comment), flow.intercepted, error === null ? null : [toStored(error.message), error.timestamp]];
	const tail = Array.isArray(extra?.head) ? extra.head : [];
	if (flow.type === "http") {
		const { request, response, websocket } = flow;
		return [...common, packRequest(request), response === null ? null : packResponse(response), websocket === null ? null : packWebSocket(websocket), ...tail];
	}
	if (flow.type === "dns") return [...common, packDns(flow.request), flow.response === null ? null : packDns(flow.response), ...tail];
	return [...common, ...tail];
}

/** How many fields a head has that we know; more are kept as they came. */
const HEAD_FIELDS: Readonly<Record<string, number>> = { http: 7, dns: 6, tcp: 4, udp: 4 };

/** Metadata, backup and what other formats do not know, which few flows have. */
function packRest(flow: Flow): Uint8Array | null {
	const { hasMetadata, backup, extra } = flow;
	const fields = extra?.fields as MetaValue | undefined;
	const tail = Array.isArray(extra?.rest) ? extra.rest : [];
	if (!hasMetadata && backup === null && fields === undefined && tail.length === 0) return null;
	return pack([hasMetadata ? fromMeta(flow.metadata) : null, fromMeta(backup), fromMeta(fields ?? null), ...tail]);
}

const REST_FIELDS = 3;

/** In the flags of a message: its bytes are compressed (RFC 1951). */
const CODED = 4;
/** In the flags of a message: above the flags stands the CRC-32 of the bytes as they are stored. Older writers did not set it. */
const SUMMED = 8;
const ALL_FLAGS = 16;
/** Larger messages are compressed where that makes them smaller. Bytes. */
const CODED_FROM = 64 * 1024;
/** Of which it is told whether that pays. Bytes. */
const SAMPLE_BYTES = 8 * 1024;
/** What a message may inflate to. Bytes. */
const INFLATED_LIMIT = 256 * 1024 * 1024;

/** null: it stays as it is. */
function codeLarge(content: Buffer): Buffer | null {
	if (content.length <= CODED_FROM) return null;
	const sample = deflateRawSync(content.subarray(0, SAMPLE_BYTES), { level: 1 });
	if (sample.length > 0.75 * SAMPLE_BYTES) return null;
	const coded = deflateRawSync(content, { level: 1 });
	return coded.length < content.length ? coded : null;
}

/** Whether the bytes of a message are those that were written, as far as its flags tell. */
export function isWholeMessage({ bytes, flags }: Pick<MessageRow, "bytes" | "flags">): boolean {
	return (flags & SUMMED) === 0 || Math.floor(flags / ALL_FLAGS) === crc32(bytes);
}

/** @throws FlowtapeError FT_CORRUPT_FLOW where the bytes are not those that were written */
function contentOf(bytes: Uint8Array, flags: number): Buffer {
	if (!isWholeMessage({ bytes, flags })) throw new FlowtapeError("FT_CORRUPT_FLOW", "its bytes are not those that were written");
	if ((flags & CODED) === 0) return asBuffer(bytes);
	try {
		return inflateRawSync(bytes, { maxOutputLength: INFLATED_LIMIT });
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "the bytes of a message cannot be inflated", { cause });
	}
}

/** The messages of a flow, as rows. */
export function encodeMessages(flow: Flow): MessageRow[] {
	if (flow.type === "dns") return [];
	const messages: readonly (StreamMessage | WebSocketMessage)[] = flow.type === "http" ? (flow.websocket?.messages ?? []) : flow.messages;
	return messages.map(encodeMessage);
}

export function encodeMessage(message: StreamMessage | WebSocketMessage): MessageRow {
	const coded = codeLarge(message.content);
	const bytes = coded ?? message.content;
	const flags = ("opcode" in message ? (message.dropped ? 1 : 0) | (message.injected ? 2 : 0) : 0) | (coded === null ? 0 : CODED);
	return {
		at: orZero(message.timestamp),
		from_client: message.fromClient ? 1 : 0,
		opcode: "opcode" in message ? message.opcode : null,
		flags: crc32(bytes) * ALL_FLAGS + (flags | SUMMED),
		bytes,
	};
}

/**
 * The flow of a row. Bodies, connections, messages and metadata are read when asked for; where connections or metadata turn out
 * to be damaged then, that is reported and the flow goes without.
 * @throws FlowtapeError FT_CORRUPT_FLOW
 */
export function decodeFlow(seq: number, row: FlowFacts, reader: PartReader): Flow {
	const head = unpackRecord(row.head);
	const init = initOf(seq, row, head, reader);
	const known = HEAD_FIELDS[row.kind];
	if (known === undefined) throw new FlowtapeError("FT_CORRUPT_FLOW", `a record of the tape is damaged: a flow of unknown kind "${row.kind}"`);
	if (head.length > known) init.extra = { ...init.extra, head: head.slice(known) };
	const [, , , , request, response, websocket] = head;
	switch (row.kind) {
		case "http": {
			const answer = response === null ? null : unpackResponse(response, row.status, reader.readBody(row.response_body, row.response_size));
			return new HttpFlow(
				Object.assign(init, {
					request: unpackRequest(request, row, reader.readBody(row.request_body, row.request_size)),
					response: answer,
					websocket: websocket === null ? null : storedWebSocket(unpackWebSocket(websocket), () => readMessages(seq, reader, toWebSocketMessage)),
					// older rows do not say it
					ended: toEnd(row.ended) ?? impliedEnd({ response: answer, error: init.error ?? null }),
					refreshed: row.refreshed,
					original: originalOf(seq, row, reader),
				}),
			);
		}
		case "dns":
			return new DnsFlow({ ...init, request: unpackDns(request), response: response === null ? null : unpackDns(response) });
		default: {
			const messages = () => readMessages(seq, reader, toStreamMessage);
			return row.kind === "tcp" ? new TcpFlow({ ...init, messages }) : new UdpFlow({ ...init, messages });
		}
	}
}

function originalOf(seq: number, { original, original_body }: Pick<FlowFacts, "original" | "original_body">, reader: PartReader): Request | null {
	return original === null ? null : intact(seq, reader, "its request as it came", () => unpackOriginal(original, original_body, reader));
}

/** What tells the request of an HTTP flow. */
type RequestFacts = RequestColumns & Pick<FlowFacts, "head" | "request_body" | "request_size" | "original" | "original_body">;

/** The request of an HTTP flow, as it came where it was changed since. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeRequest(seq: number, row: RequestFacts, reader: PartReader): Request {
	return originalOf(seq, row, reader) ?? unpackRequest(unpackRecord(row.head)[4], row, reader.readBody(row.request_body, row.request_size));
}

/** The response of an HTTP flow, which has one, and how it ended. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeAnswer({ head, status, ended }: { head: Uint8Array; status: number; ended: string | null }, body: Body) {
	const packed = unpackRecord(head);
	const response = unpackResponse(packed[5], status, body);
	return { response, ended: toEnd(ended) ?? impliedEnd({ response, error: failureOf(packed[3]) }) };
}

function initOf(seq: number, row: FlowFacts, head: Packed, reader: PartReader): FlowInit {
	const [timestampCreated, comment, intercepted, error] = head;
	if (typeof timestampCreated !== "number" || typeof comment !== "string" || typeof intercepted !== "boolean" || !isFailure(error))
		throw new FlowtapeError("FT_CORRUPT_FLOW", "a record of the tape is damaged: its head is not as expected");
	const init: FlowInit = {
		id: fromStored(row.id),
		timestampCreated,
		comment: fromStored(comment),
		intercepted,
		error: failureOf(error),
		isReplay: row.is_replay === "request" || row.is_replay === "response" ? row.is_replay : null,
		marked: fromStored(row.marked),
		session: row.session === null ? null : fromStored(row.session),
		clientConn: placed(
			() => intact(seq, reader, "its client connection", () => reader.readClient(row.client_conn)) ?? clientConnection({ id: "" }),
			reader.placeOf(row.client_conn),
		),
		serverConn: placed(
			() => intact(seq, reader, "its server connection", () => reader.readServer(row.server_conn)) ?? serverConnection({ id: "" }),
			reader.placeOf(row.server_conn),
		),
	};
	if (row.rest !== null) addRest(init, seq, row.rest, reader);
	return init;
}

function failureOf(packed: unknown): FlowFailure | null {
	return isFailure(packed) && packed !== null ? { message: fromStored(packed[0]), timestamp: packed[1] } : null;
}

function placed<T>(read: { (): T; place?: object }, place: object): Later<T> {
	read.place = place;
	return read;
}

function isFailure(error: unknown): error is [message: string, timestamp: number] | null {
	return error === null || (Array.isArray(error) && typeof error[0] === "string" && typeof error[1] === "number");
}

function addRest(init: FlowInit, seq: number, bytes: Uint8Array, reader: PartReader): void {
	const rest = intact(seq, reader, "its metadata", () => {
		const packed = unpackRecord(bytes);
		return { packed, metadata: toMeta(packed[0] ?? new Map()), backup: toMeta(packed[1] ?? null), fields: toMeta(packed[2] ?? null) };
	});
	if (rest === null) return;
	if (isDictionary(rest.metadata)) init.metadata = rest.metadata;
	init.backup = rest.backup;
	if (rest.fields !== null) init.extra = { fields: rest.fields };
	if (rest.packed.length > REST_FIELDS) init.extra = { ...init.extra, rest: rest.packed.slice(REST_FIELDS) };
}

/** What `read` gives; null, and reported, where it is damaged. */
function intact<T>(seq: number, reader: PartReader, what: string, read: () => T): T | null {
	try {
		return read();
	} catch (error) {
		// of the record, or of the page of the file on which it stands
		if (!(error instanceof FlowtapeError) || (error.code !== "FT_CORRUPT_FLOW" && error.code !== "FT_STORE")) throw error;
		reader.reportDamage(seq, what, error);
		return null;
	}
}

/** One that is damaged is reported and left out. */
function readMessages<T>(seq: number, reader: PartReader, convert: (row: MessageRow) => T): T[] {
	return reader.readMessages(seq).flatMap((row) => {
		try {
			return [convert(row)];
		} catch (error) {
			reader.reportDamage(seq, "a message", error);
			return [];
		}
	});
}

function toStreamMessage({ from_client, bytes, at, flags }: MessageRow): StreamMessage {
	return { fromClient: from_client === 1, content: contentOf(bytes, flags), timestamp: at };
}

/** A WebSocket whose messages are read when somebody asks for them. */
function storedWebSocket(end: Omit<WebSocketData, "messages">, readMessages: () => WebSocketMessage[]): WebSocketData {
	let messages: WebSocketMessage[] | undefined;
	return {
		...end,
		get messages() {
			messages ??= readMessages();
			return messages;
		},
		set messages(replaced) {
			messages = replaced;
		},
	};
}

function toWebSocketMessage({ opcode, from_client, bytes, at, flags }: MessageRow): WebSocketMessage {
	return {
		opcode: opcode ?? 2,
		fromClient: from_client === 1,
		content: contentOf(bytes, flags),
		timestamp: at,
		dropped: (flags & 1) !== 0,
		injected: (flags & 2) !== 0,
	};
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
