// Encodes flows as rows and decodes them: fields that are searched have columns, the rest is in msgpack records. Bodies,
// connections and messages have tables of their own.
import { FlowtapeError } from "../../errors.ts";
import { type Body, bodySize } from "../../flow/body.ts";
import { clientConnection, serverConnection } from "../../flow/connection.ts";
import { durationOf, firstByteOf, startOf } from "../../flow/durations.ts";
import { endOf, impliedEnd, toEnd } from "../../flow/ending.ts";
import {
	DnsFlow,
	type Flow,
	type FlowFailure,
	type FlowInit,
	HttpFlow,
	type Lazy,
	TcpFlow,
	UdpFlow,
} from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import { isDictionary, type MetaValue } from "../../flow/metadata.ts";
import { damagedRecord } from "./damage.ts";
import { type FlowColumns, type FlowRow, orZero, type StoredBody } from "./flow-row.ts";
import { lazyWebSocket, messagesOf, readStreamMessages } from "./messages.ts";
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
import type { PartReader, PartWriter } from "./parts.ts";
import { unsealed } from "./row-sum.ts";
import { fromStored, toStored } from "./text.ts";

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
						websocket === null ? null : lazyWebSocket(unpackWebSocket(websocket), seq, countIn(row.kind, head), reader),
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
			const messages = () => readStreamMessages(seq, countIn(row.kind, head), reader);
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
