// Requests, responses, WebSocket closes and DNS messages as parts of a flow's record: the fields that have no column.
import type { Body } from "../../flow/body.ts";
import { asBuffer, type ByteString } from "../../flow/bytes.ts";
import type { DnsMessage, DnsQuestion, DnsRecord, WebSocketData } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import { Request, Response } from "../../flow/message.ts";
import { damagedRecord } from "./damage.ts";
import { type Packed, tailOf, withTail } from "./msgpack.ts";
import { fromStored, toStored } from "./text.ts";

export function packRequest({
	httpVersion,
	authority,
	headers,
	trailers,
	timestampStart,
	timestampEnd,
	extra,
}: Request): Packed {
	return [
		httpVersion,
		authority,
		headers.fields,
		trailers?.fields ?? null,
		timestampStart,
		timestampEnd,
		...tailOf(extra),
	];
}

export function packResponse({
	httpVersion,
	reason,
	headers,
	trailers,
	timestampStart,
	timestampEnd,
	extra,
}: Response): Packed {
	return [
		httpVersion,
		reason,
		headers.fields,
		trailers?.fields ?? null,
		timestampStart,
		timestampEnd,
		...tailOf(extra),
	];
}

/** A packed message: version, authority or reason, header fields, trailers, times. */
type MessageFields = readonly [ByteString, ByteString, ByteString[], ByteString[] | null, number, number | null];
const MESSAGE_FIELDS = 6;

/** The columns of a flow's request. */
export interface RequestColumns {
	method: ByteString | null;
	scheme: ByteString | null;
	host: string | null;
	port: number | null;
	path: ByteString | null;
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackRequest(
	packed: unknown,
	{ method, scheme, host, port, path }: RequestColumns,
	body: Body,
): Request {
	checkMessage(packed);
	const [httpVersion, authority, fields, trailers, timestampStart, timestampEnd] = packed;
	return new Request({
		method: method ?? "",
		scheme: scheme ?? "",
		host: fromStored(host ?? ""),
		port: port ?? 0,
		path: path ?? "",
		httpVersion,
		authority,
		headers: new Headers(fields),
		trailers: trailers === null ? null : new Headers(trailers),
		timestampStart,
		timestampEnd,
		body,
		extra: withTail(packed, MESSAGE_FIELDS),
	});
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackResponse(packed: unknown, status: number | null, body: Body): Response {
	checkMessage(packed);
	const [httpVersion, reason, fields, trailers, timestampStart, timestampEnd] = packed;
	return new Response({
		statusCode: status ?? 0,
		reason,
		httpVersion,
		headers: new Headers(fields),
		trailers: trailers === null ? null : new Headers(trailers),
		timestampStart,
		timestampEnd,
		body,
		extra: withTail(packed, MESSAGE_FIELDS),
	});
}

/**
 * Checks that header fields are pairs of strings and that times are numbers, because other programs may have written
 * the tape.
 */
function checkMessage(packed: unknown): asserts packed is MessageFields {
	check(Array.isArray(packed), "message head");
	const [version, words, fields, trailers, started, ended] = packed as Packed;
	check(
		typeof version === "string" &&
			typeof words === "string" &&
			isFields(fields) &&
			(trailers === null || isFields(trailers)),
		"message head",
	);
	check(typeof started === "number" && isTime(ended), "time of a message");
}

function isFields(list: unknown): list is ByteString[] {
	if (!Array.isArray(list) || list.length % 2 !== 0) return false;
	for (const part of list) if (typeof part !== "string") return false;
	return true;
}

function isTime(time: unknown): time is number | null {
	return time === null || typeof time === "number";
}

function check(isAsExpected: boolean, what: string): asserts isAsExpected {
	if (!isAsExpected) throw damagedRecord(`invalid ${what}`);
}

/** @param count number of its messages; null: not known yet */
export function packWebSocket(
	{ closedByClient, closeCode, closeReason, timestampEnd }: WebSocketData,
	count: number | null,
): Packed {
	return [closedByClient, closeCode, closeReason === null ? null : toStored(closeReason), timestampEnd, count];
}

/** Decodes a WebSocket conversation without its messages. @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackWebSocket(packed: unknown): Omit<WebSocketData, "messages"> {
	check(Array.isArray(packed), "WebSocket close");
	const [closedByClient, closeCode, closeReason, timestampEnd] = packed as Packed;
	check(closedByClient === null || typeof closedByClient === "boolean", "closing side of a WebSocket");
	check(
		isTime(closeCode) && isTime(timestampEnd) && (closeReason === null || typeof closeReason === "string"),
		"WebSocket close",
	);
	return {
		closedByClient,
		closeCode,
		closeReason: closeReason === null ? null : fromStored(closeReason),
		timestampEnd,
	};
}

export function packDns(message: DnsMessage): Packed {
	const records = (list: DnsRecord[]) =>
		list.map((record) => [toStored(record.name), record.type, record.class, record.ttl, record.data]);
	return [
		message.id,
		message.query,
		message.opCode,
		message.authoritativeAnswer,
		message.truncation,
		message.recursionDesired,
		message.recursionAvailable,
		message.reserved,
		message.responseCode,
		message.timestamp,
		message.questions.map((question) => [toStored(question.name), question.type, question.class]),
		records(message.answers),
		records(message.authorities),
		records(message.additionals),
	];
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
export function unpackDns(packed: unknown): DnsMessage {
	check(Array.isArray(packed), "DNS message");
	const [
		id,
		query,
		opCode,
		authoritativeAnswer,
		truncation,
		recursionDesired,
		recursionAvailable,
		reserved,
		responseCode,
		timestamp,
		...sections
	] = packed;
	check(
		[id, opCode, reserved, responseCode].every((number) => typeof number === "number") && isTime(timestamp),
		"DNS header",
	);
	const flags = [query, authoritativeAnswer, truncation, recursionDesired, recursionAvailable];
	check(
		flags.every((flag) => typeof flag === "boolean") &&
			sections.slice(0, 4).every(Array.isArray) &&
			sections.length >= 4,
		"DNS message",
	);
	const [questions = [], answers = [], authorities = [], additionals = []] = sections as unknown[][];
	return {
		id,
		query,
		opCode,
		authoritativeAnswer,
		truncation,
		recursionDesired,
		recursionAvailable,
		reserved,
		responseCode,
		timestamp,
		questions: questions.map(toQuestion),
		answers: answers.map(toRecord),
		authorities: authorities.map(toRecord),
		additionals: additionals.map(toRecord),
	};
}

function toQuestion(packed: unknown): DnsQuestion {
	check(Array.isArray(packed), "DNS question");
	const [name, type, kind] = packed as Packed;
	check(typeof name === "string" && typeof type === "number" && typeof kind === "number", "DNS question");
	return { name: fromStored(name), type, class: kind };
}

function toRecord(packed: unknown): DnsRecord {
	check(Array.isArray(packed), "DNS record");
	const [, , , ttl, data] = packed as Packed;
	check(typeof ttl === "number" && data instanceof Uint8Array, "DNS record");
	return { ...toQuestion(packed), ttl, data: asBuffer(data) };
}
