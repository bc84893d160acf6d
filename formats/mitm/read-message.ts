// Reads the messages of records of versions 14 to 21 directly from the bytes, without intermediate values.
import type { ByteString } from "../../src/flow/bytes.ts";
import type {
	DnsMessage,
	DnsQuestion,
	DnsRecord,
	StreamMessage,
	WebSocketData,
	WebSocketMessage,
} from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { type MessageInit, Request, type RequestInit, Response, type ResponseInit } from "../../src/flow/message.ts";
import {
	blob,
	bytes,
	integer,
	isNothing,
	isNull,
	isTrue,
	missing,
	number,
	optionalNumber,
	optionalText,
	readDictionary,
	readItems,
	readList,
	skipOdd,
	substitute,
	text,
	type Visitor,
	wrong,
} from "./elements.ts";
import { type Reader, TAG } from "./tnetstring.ts";

/** Fields that may be missing or invalid. */
const OPTIONAL: ReadonlySet<string> = new Set([
	"http_version",
	"authority",
	"reason",
	"content",
	"trailers",
	"timestamp_start",
	"timestamp_end",
]);

/** The request just opened. */
export function readRequest(reader: Reader): Request {
	const init = readDictionary(reader, "request", emptyMessage() as Partial<RequestInit>, visitRequest, OPTIONAL);
	const { method, scheme, host, port, path } = init;
	if (method === undefined) throw missing("request.method");
	if (scheme === undefined) throw missing("request.scheme");
	if (host === undefined) throw missing("request.host");
	if (port === undefined) throw missing("request.port");
	if (path === undefined) throw missing("request.path");
	checkMessage(init, reader, "request");
	return new Request(init as RequestInit);
}

/** The response just opened; null if there is none. */
export function readResponse(reader: Reader): Response | null {
	if (isNothing(reader)) return null;
	const init = readDictionary(reader, "response", emptyMessage() as Partial<ResponseInit>, visitResponse, OPTIONAL);
	if (init.statusCode === undefined) throw missing("response.status_code");
	checkMessage(init, reader, "response");
	return new Response(init as ResponseInit);
}

/** An empty message. Its body is null until the content is read. */
function emptyMessage(): MessageInit {
	return { body: null };
}

function checkMessage(init: MessageInit, reader: Reader, where: string): void {
	if (init.headers === undefined) throw missing(`${where}.headers`);
	init.httpVersion ??= substitute(reader, `${where}.http_version`, "bytes", "HTTP/1.1");
	init.timestampStart ??= substitute(reader, `${where}.timestamp_start`, "a number", 0);
}

const visitRequest: Visitor<Partial<RequestInit>> = (init, key, reader) => {
	switch (key) {
		case "method":
			init.method = bytes(reader, "request.method");
			break;
		case "scheme":
			init.scheme = bytes(reader, "request.scheme");
			break;
		case "host":
			init.host = text(reader, "request.host");
			break;
		case "port":
			init.port = integer(reader, "request.port");
			break;
		case "authority":
			init.authority = isNull(reader) ? "" : bytes(reader, "request.authority");
			break;
		case "path":
			init.path = bytes(reader, "request.path");
			break;
		default:
			visitMessage(init, key, reader, "request");
	}
};

const visitResponse: Visitor<Partial<ResponseInit>> = (init, key, reader) => {
	switch (key) {
		case "status_code":
			init.statusCode = integer(reader, "response.status_code");
			break;
		case "reason":
			init.reason = isNull(reader) ? "" : bytes(reader, "response.reason");
			break;
		default:
			visitMessage(init, key, reader, "response");
	}
};

function visitMessage(init: MessageInit, key: string, reader: Reader, where: string): void {
	switch (key) {
		case "http_version":
			init.httpVersion = bytes(reader, `${where}.http_version`);
			break;
		case "headers":
			init.headers = readHeaders(reader, `${where}.headers`);
			break;
		case "content":
			init.body = isNull(reader) ? null : blob(reader, `${where}.content`);
			break;
		case "trailers":
			init.trailers = isNothing(reader) ? null : readHeaders(reader, `${where}.trailers`);
			break;
		case "timestamp_start":
			init.timestampStart = number(reader, `${where}.timestamp_start`);
			break;
		case "timestamp_end":
			init.timestampEnd = optionalNumber(reader, `${where}.timestamp_end`);
			break;
		default:
			init.extra = { ...init.extra, [key]: reader.payload(0) };
	}
}

function readHeaders(reader: Reader, where: string): Headers {
	if (reader.tag !== TAG.list) throw wrong(reader, where, "a list of pairs");
	const { stop } = reader;
	const fields: ByteString[] = [];
	reader.position = reader.start;
	while (reader.position < stop) {
		const at = reader.position;
		reader.open(stop);
		const next = reader.position;
		const { length } = fields;
		try {
			readPair(reader, where, fields);
		} catch (error) {
			skipOdd(reader, error, at, stop);
			fields.length = length;
		}
		reader.position = next;
	}
	return new Headers(fields);
}

/** Name and value of the header field just opened. */
function readPair(reader: Reader, where: string, fields: ByteString[]): void {
	if (reader.tag !== TAG.list) throw wrong(reader, where, "a pair of name and value");
	const { stop } = reader;
	reader.position = reader.start;
	for (let part = 0; part < 2; part++) {
		if (reader.position >= stop) throw wrong(reader, where, "a pair of name and value");
		reader.open(stop);
		fields.push(bytes(reader, where));
	}
	if (reader.position < stop) throw wrong(reader, where, "only a pair of name and value");
}

/** The fields that say how a conversation ended. */
const ENDING: ReadonlySet<string> = new Set(["closed_by_client", "close_code", "close_reason", "timestamp_end"]);

/** The WebSocket conversation just opened; null if there is none. */
export function readWebSocket(reader: Reader): WebSocketData | null {
	if (isNothing(reader)) return null;
	const empty: WebSocketData = {
		messages: [],
		closedByClient: null,
		closeCode: null,
		closeReason: null,
		timestampEnd: null,
	};
	return readDictionary(reader, "websocket", empty, visitWebSocket, ENDING);
}

const visitWebSocket: Visitor<WebSocketData> = (data, key, reader) => {
	if (key === "messages") data.messages = readItems(reader, "websocket.messages", readWebSocketMessage);
	else if (key === "closed_by_client")
		data.closedByClient = isNull(reader) ? null : isTrue(reader, "websocket.closed_by_client");
	else if (key === "close_code") data.closeCode = isNull(reader) ? null : integer(reader, "websocket.close_code");
	else if (key === "close_reason") data.closeReason = optionalText(reader, "websocket.close_reason");
	else if (key === "timestamp_end") data.timestampEnd = optionalNumber(reader, "websocket.timestamp_end");
	else reader.check();
};

/** `[opcode, from client, content, timestamp, dropped, injected]`; old files lack the last two. */
function readWebSocketMessage(reader: Reader): WebSocketMessage {
	const message: WebSocketMessage = {
		opcode: 1,
		fromClient: false,
		content: Buffer.alloc(0),
		timestamp: 0,
		dropped: false,
		injected: false,
	};
	let parts = 0;
	const part = (item: Reader, index: number): void => {
		parts++;
		if (index === 0) message.opcode = integer(item, "websocket.messages");
		else if (index === 1) message.fromClient = isTrue(item, "websocket.messages");
		else if (index === 2) message.content = blob(item, "websocket.messages");
		else if (index === 3) message.timestamp = number(item, "websocket.messages");
		else if (index === 4) message.dropped = isTrue(item, "websocket.messages");
		else if (index === 5) message.injected = isTrue(item, "websocket.messages");
		else item.check();
	};
	readList(reader, "websocket.messages", part, 3);
	if (parts < 4) throw wrong(reader, "websocket.messages", "a list of 4 to 6 items each");
	return message;
}

/** The TCP chunks or UDP datagrams just opened: `[from client, content, timestamp]`. */
export function readMessages(reader: Reader): StreamMessage[] {
	return readItems(reader, "messages", () => {
		const message: StreamMessage = { fromClient: false, content: Buffer.alloc(0), timestamp: 0 };
		const part = (item: Reader, index: number): void => {
			if (index === 0) message.fromClient = isTrue(item, "messages");
			else if (index === 1) message.content = blob(item, "messages");
			else if (index === 2) message.timestamp = optionalNumber(item, "messages") ?? 0;
			else item.check();
		};
		readList(reader, "messages", part, 2);
		return message;
	});
}

/** Fields of a DNS message that have a default. */
const DNS_OPTIONAL: ReadonlySet<string> = new Set([
	"reserved",
	"op_code",
	"response_code",
	"truncation",
	"authoritative_answer",
	"recursion_desired",
	"recursion_available",
	"timestamp",
]);

/** The DNS message just opened. */
export function readDns(reader: Reader): DnsMessage {
	const message: DnsMessage = {
		id: -1,
		query: false,
		opCode: 0,
		authoritativeAnswer: false,
		truncation: false,
		recursionDesired: false,
		recursionAvailable: false,
		reserved: 0,
		responseCode: 0,
		questions: [],
		answers: [],
		authorities: [],
		additionals: [],
		timestamp: null,
	};
	readDictionary(reader, "a DNS message", message, visitDns, DNS_OPTIONAL);
	if (message.id === -1) throw missing("id of a DNS message");
	return message;
}

const visitDns: Visitor<DnsMessage> = (message, key, reader) => {
	switch (key) {
		case "id":
		case "reserved":
			message[key] = integer(reader, key);
			break;
		case "op_code":
			message.opCode = integer(reader, key);
			break;
		case "response_code":
			message.responseCode = integer(reader, key);
			break;
		case "query":
		case "truncation":
			message[key] = isTrue(reader, key);
			break;
		case "authoritative_answer":
			message.authoritativeAnswer = isTrue(reader, key);
			break;
		case "recursion_desired":
			message.recursionDesired = isTrue(reader, key);
			break;
		case "recursion_available":
			message.recursionAvailable = isTrue(reader, key);
			break;
		case "questions":
			message.questions = readItems(reader, key, readQuestion);
			break;
		case "answers":
		case "authorities":
		case "additionals":
			message[key] = readItems(reader, key, readRecord);
			break;
		case "timestamp":
			message.timestamp = optionalNumber(reader, key);
			break;
		default:
			reader.check();
	}
};

function readQuestion(reader: Reader): DnsQuestion {
	return readDictionary(reader, "questions", { name: "", type: 0, class: 0 }, visitQuestion);
}

const visitQuestion: Visitor<DnsQuestion> = (question, key, reader) => {
	if (key === "name") question.name = text(reader, "name of a DNS record");
	else if (key === "type") question.type = integer(reader, "type of a DNS record");
	else if (key === "class_") question.class = integer(reader, "class_ of a DNS record");
	else reader.check();
};

function readRecord(reader: Reader): DnsRecord {
	const record: DnsRecord = { name: "", type: 0, class: 0, ttl: 0, data: Buffer.alloc(0) };
	return readDictionary(reader, "records", record, (found, key, field) => {
		if (key === "ttl") found.ttl = integer(field, "ttl of a DNS record");
		else if (key === "data") found.data = blob(field, "data of a DNS record");
		else visitQuestion(found, key, field);
	});
}
