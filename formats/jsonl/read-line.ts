// A flow from one JSON object. What a person leaves out gets its default; what has the wrong type is named by its path.
import { randomUUID } from "node:crypto";
import { type Address, type ClientConnection, type Connection, clientConnection, type ServerConnection, serverConnection } from "../../src/flow/connection.ts";
import { toEnd } from "../../src/flow/ending.ts";
import {
	DnsFlow,
	type DnsMessage,
	type DnsRecord,
	type Flow,
	type FlowInit,
	HttpFlow,
	isSession,
	SESSION_LIMIT,
	type StreamMessage,
	TcpFlow,
	UdpFlow,
	type WebSocketData,
} from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { type MessageInit, Request, Response } from "../../src/flow/message.ts";
import { isDictionary, type Metadata } from "../../src/flow/metadata.ts";
import { parseUrl } from "../../src/flow/url.ts";
import { Fields, fail, isObject, type Json, wrong } from "../fields.ts";
import { toBytes, toBytesOfString, toMeta, toNumber } from "../json-values.ts";

/**
 * The flow of a line.
 * @throws FlowtapeError FT_CORRUPT_FLOW that says where in the object something else was expected
 */
export function readObject(value: Json): Flow {
	if (!isObject(value)) throw wrong("", "a JSON object", value);
	const at = new LineFields(value, "");
	const type = at.has("type") ? at.text("type") : "http";
	switch (type) {
		case "http":
			return new HttpFlow({ ...flowInit(at), ...httpContent(at) });
		case "tcp":
			return new TcpFlow({ ...flowInit(at), messages: at.list("messages", streamMessage) });
		case "udp":
			return new UdpFlow({ ...flowInit(at), messages: at.list("messages", streamMessage) });
		case "dns":
			return new DnsFlow({ ...flowInit(at), request: dnsMessage(at.object("request")), response: at.optional("response", dnsMessage) });
		default:
			throw wrong("type", '"http", "tcp", "udp" or "dns"', type);
	}
}

function flowInit(at: LineFields): FlowInit {
	const metadata = at.has("metadata") ? toMeta(at.value("metadata")) : {};
	if (!isDictionary(metadata)) throw wrong("metadata", "an object", at.value("metadata"));
	const isReplay = at.textOrNull("is_replay");
	if (isReplay !== null && isReplay !== "request" && isReplay !== "response") throw wrong("is_replay", '"request", "response" or null', isReplay);
	return {
		id: at.has("id") ? at.text("id") : randomUUID(),
		error: at.optional("error", (error) => ({ message: error.text("message"), timestamp: error.number("timestamp", 0) })),
		intercepted: at.boolean("intercepted", false),
		isReplay,
		marked: at.text("marked", ""),
		comment: at.text("comment", ""),
		timestampCreated: at.number("timestamp_created", 0),
		session: sessionOf(at),
		clientConn: at.optional("client_conn", clientOf) ?? clientConnection({ id: randomUUID() }),
		serverConn: at.optional("server_conn", serverOf) ?? serverConnection({ id: randomUUID() }),
		metadata: metadata as Metadata,
		backup: at.has("backup") ? toMeta(at.value("backup")) : null,
		extra: extraOf(at),
	};
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
		...fateOf(at),
	};
}

function fateOf(at: LineFields) {
	const ended = at.has("ended") ? (toEnd(at.value("ended")) ?? fail(at.wrong("ended", '"server", "client", "cut" or null'))) : null;
	return { ended, refreshed: at.numberOrNull("refreshed"), original: at.optional("original", requestOf) };
}

function sessionOf(at: LineFields): string | null {
	const session = at.textOrNull("session");
	return isSession(session) ? session : fail(at.wrong("session", `a name of at most ${SESSION_LIMIT} bytes`));
}

function requestOf(at: LineFields): Request {
	// a line that a person wrote may have the URL alone
	const target =
		at.has("host") || !at.has("url")
			? { scheme: at.bytes("scheme", "http"), host: at.text("host"), port: at.integer("port"), path: at.bytes("path", "/") }
			: urlOf(at.text("url"), at.path);
	return new Request({ method: at.bytes("method"), ...target, authority: at.bytes("authority", ""), ...messageOf(at) });
}

function urlOf(url: string, path: string) {
	try {
		return parseUrl(url);
	} catch {
		throw wrong(`${path}url`, "an absolute URL", url);
	}
}

function responseOf(at: LineFields): Response {
	return new Response({ statusCode: at.integer("status"), reason: at.bytes("reason", ""), ...messageOf(at) });
}

function messageOf(at: LineFields): MessageInit {
	const { body } = at.values;
	const bytes = body === undefined || body === null ? null : toBytes(body);
	if (bytes === undefined) throw wrong(`${at.path}body`, 'a string or {"$base64": …}', body);
	return {
		httpVersion: at.bytes("http_version", "HTTP/1.1"),
		headers: headersOf(at, "headers") ?? new Headers(),
		trailers: headersOf(at, "trailers"),
		body: body === undefined ? Buffer.alloc(0) : bytes,
		timestampStart: at.number("timestamp_start", 0),
		timestampEnd: at.numberOrNull("timestamp_end"),
		extra: extraOf(at),
	};
}

function headersOf(at: LineFields, key: string): Headers | null {
	if (!at.has(key)) return null;
	const fields: string[] = [];
	for (const [i, pair] of at.array(key).entries()) {
		const path = `${at.path}${key}[${i}]`;
		if (!Array.isArray(pair) || pair.length !== 2) throw wrong(path, "a pair of name and value", pair);
		for (const part of pair) fields.push(toBytesOfString(part) ?? fail(wrong(path, "a pair of strings", part)));
	}
	return new Headers(fields);
}

function websocketOf(at: LineFields): WebSocketData {
	return {
		messages: at.list("messages", (message) => ({
			...streamMessage(message),
			opcode: message.integer("opcode", 1),
			dropped: message.boolean("dropped", false),
			injected: message.boolean("injected", false),
		})),
		closedByClient: at.has("closed_by_client") ? at.boolean("closed_by_client") : null,
		closeCode: at.has("close_code") ? at.integer("close_code") : null,
		closeReason: at.textOrNull("close_reason"),
		timestampEnd: at.numberOrNull("timestamp_end"),
	};
}

function streamMessage(at: LineFields): StreamMessage {
	return { fromClient: at.boolean("from_client"), content: at.buffer("content"), timestamp: at.number("timestamp", 0) };
}

function dnsMessage(at: LineFields): DnsMessage {
	const question = (part: LineFields) => ({ name: part.text("name"), type: part.integer("type"), class: part.integer("class") });
	const record = (part: LineFields): DnsRecord => ({ ...question(part), ttl: part.integer("ttl"), data: part.buffer("data") });
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
	};
}

function connectionOf(at: LineFields): Connection {
	const transportProtocol = at.text("transport_protocol", "tcp");
	if (transportProtocol !== "tcp" && transportProtocol !== "udp") throw wrong(`${at.path}transport_protocol`, '"tcp" or "udp"', transportProtocol);
	return {
		id: at.has("id") ? at.text("id") : randomUUID(),
		peername: addressOf(at, "peername"),
		sockname: addressOf(at, "sockname"),
		transportProtocol,
		error: at.textOrNull("error"),
		tls: at.boolean("tls", false),
		tlsVersion: at.textOrNull("tls_version"),
		sni: at.textOrNull("sni"),
		alpn: at.has("alpn") ? at.bytes("alpn") : null,
		alpnOffers: at.array("alpn_offers").map((offer) => toBytesOfString(offer) ?? fail(wrong(`${at.path}alpn_offers`, "a list of strings", offer))),
		cipher: at.textOrNull("cipher"),
		cipherList: at.array("cipher_list").map(String),
		certificateList: at.array("certificate_list").map((pem) => toBytes(pem) ?? fail(wrong(`${at.path}certificate_list`, "a list of certificates", pem))),
		timestampStart: at.numberOrNull("timestamp_start"),
		timestampTlsSetup: at.numberOrNull("timestamp_tls_setup"),
		timestampEnd: at.numberOrNull("timestamp_end"),
		extra: extraOf(at),
	};
}

function clientOf(at: LineFields): ClientConnection {
	return { ...connectionOf(at), mitmcert: at.has("mitmcert") ? at.buffer("mitmcert") : null, proxyMode: at.text("proxy_mode", "regular") };
}

function serverOf(at: LineFields): ServerConnection {
	const via = at.has("via") ? at.array("via") : null;
	const proxy = via === null ? null : toAddress(via[1] ?? null);
	if (via !== null && (typeof via[0] !== "string" || proxy === null)) throw wrong(`${at.path}via`, "a scheme and an address", via);
	return {
		...connectionOf(at),
		address: addressOf(at, "address"),
		timestampTcpSetup: at.numberOrNull("timestamp_tcp_setup"),
		via: via === null ? null : [via[0] as string, proxy as Address],
	};
}

function addressOf(at: LineFields, key: string): Address | null {
	if (!at.has(key)) return null;
	return toAddress(at.value(key)) ?? fail(wrong(`${at.path}${key}`, "a list of host and port", at.value(key)));
}

function toAddress(value: Json): Address | null {
	return Array.isArray(value) && typeof value[0] === "string" && value.slice(1).every(Number.isSafeInteger) && value.length > 1
		? (value as unknown as Address)
		: null;
}

/** The fields of an object in a line, whose bytes and numbers may be written as `values.ts` has them. */
class LineFields extends Fields {
	bytes(key: string, fallback?: string): string {
		const value = this.value(key);
		if (value === null && fallback !== undefined) return fallback;
		return toBytesOfString(value) ?? fail(this.wrong(key, "a string"));
	}

	buffer(key: string): Buffer {
		return toBytes(this.value(key)) ?? fail(this.wrong(key, 'a string or {"$base64": …}'));
	}

	/** Without a fraction, and one that every format can hold. */
	integer(key: string, fallback?: number): number {
		const value = this.number(key, fallback);
		return Number.isSafeInteger(value) ? value : fail(this.wrong(key, "an integer"));
	}

	protected override toNumber(value: Json): number | undefined {
		return toNumber(value);
	}
}
