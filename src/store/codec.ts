// Flows to and from the values of a row: columns for what is asked often, records for the rest, bodies and connections elsewhere.
import { FlowtapeError } from "../errors.ts";
import { type Body, bodySize } from "../flow/body.ts";
import { type ClientConnection, clientConnection, type ServerConnection, serverConnection } from "../flow/connection.ts";
import {
	DnsFlow,
	type Flow,
	type FlowInit,
	HttpFlow,
	type Later,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
	type WebSocketMessage,
} from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import { isDictionary, type MetaValue } from "../flow/metadata.ts";
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
	const { client, server } = flow.connections;
	return {
		id: toStored(flow.id),
		kind: flow.type,
		started: startedAt(flow),
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
	};
}

function isCoded(message: Request | Response | null): boolean {
	return message?.headers.has("content-encoding") ?? false;
}

function startedAt(flow: Flow): number {
	return (flow.type === "http" ? flow.request.timestampStart : flow.clientConn.timestampStart) ?? flow.timestampCreated;
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
		case "http":
			return new HttpFlow(
				Object.assign(init, {
					request: unpackRequest(request, row, reader.readBody(row.request_body, row.request_size)),
					response: response === null ? null : unpackResponse(response, row.status, reader.readBody(row.response_body, row.response_size)),
					websocket: websocket === null ? null : storedWebSocket(unpackWebSocket(websocket), () => reader.readMessages(seq).map(toWebSocketMessage)),
				}),
			);
		case "dns":
			return new DnsFlow({ ...init, request: unpackDns(request), response: response === null ? null : unpackDns(response) });
		default: {
			const messages = () => reader.readMessages(seq).map(toStreamMessage);
			return row.kind === "tcp" ? new TcpFlow({ ...init, messages }) : new UdpFlow({ ...init, messages });
		}
	}
}

/** The request of an HTTP flow. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeRequest(head: Uint8Array, columns: RequestColumns, body: Body): Request {
	return unpackRequest(unpackRecord(head)[4], columns, body);
}

/** The response of an HTTP flow, which has one. @throws FlowtapeError FT_CORRUPT_FLOW */
export function decodeResponse(head: Uint8Array, status: number, body: Body): Response {
	return unpackResponse(unpackRecord(head)[5], status, body);
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
		error: error === null ? null : { message: fromStored(error[0]), timestamp: error[1] },
		isReplay: row.is_replay === "request" || row.is_replay === "response" ? row.is_replay : null,
		marked: fromStored(row.marked),
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

function toStreamMessage({ from_client, bytes, at }: MessageRow): StreamMessage {
	return { fromClient: from_client === 1, content: asBuffer(bytes), timestamp: at };
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
		content: asBuffer(bytes),
		timestamp: at,
		dropped: (flags & 1) !== 0,
		injected: (flags & 2) !== 0,
	};
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
