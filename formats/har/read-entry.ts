// A flow from an entry of a HAR, with the habits of those who write them.
import { createHash } from "node:crypto";
import { toByteString } from "../../src/flow/bytes.ts";
import { clientConnection, type ServerConnection, serverConnection } from "../../src/flow/connection.ts";
import { HttpFlow, type WebSocketData } from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { Request, Response } from "../../src/flow/message.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { formatAuthority, parseUrl, type UrlParts } from "../../src/flow/url.ts";
import { Fields, fail, isObject, type Json, type JsonObject, wrong } from "../fields.ts";
import { OWN, setOwnFields } from "../own-fields.ts";
import { cookieField, setCookieFields } from "./cookies.ts";
import { collect, NOTE, remainder } from "./notes.ts";
import { type Attachments, type ReadBody, readContent, readPostData } from "./read-body.ts";
import { type Moments, parseStarted, readMoments } from "./timings.ts";

export interface EntryContext {
	/** The entry's number, from 1. */
	record: number;
	/** By their id; those that the entry itself has are added, as we write them so that a HAR can be read from its beginning. */
	pages: Map<string, JsonObject>;
	attachments: Attachments;
}

/**
 * The flow of an entry; null where it is no HTTP: browsers list `data:` and `blob:` URLs too.
 * @throws FlowtapeError FT_CORRUPT_FLOW that says where in the entry something else was expected
 */
export function readEntry(value: Json, context: EntryContext): HttpFlow | null {
	if (!isObject(value)) throw wrong("", "an entry (an object)", value);
	const entry = new Fields(value, "");
	const request = entry.object("request");
	const response = entry.object("response");
	const url = urlOf(request);
	if (url === null) return null;
	const started = parseStarted(entry.text("startedDateTime")) ?? fail(entry.wrong("startedDateTime", "a date in ISO 8601"));
	const moments = readMoments(entry, started, url.scheme === "https");
	const id = entry.has("_id")
		? entry.text("_id")
		: uuidOf(`${context.record}\n${entry.text("startedDateTime")}\n${request.text("method")} ${request.text("url")}`);
	const isAnswered = response.number("status") > 0;
	const requestHead = headersOf(request);
	const responseHead = headersOf(response);
	const requestBody = readPostData(request, requestHead.headers, context.attachments);
	const responseBody = isAnswered ? readContent(response, responseHead.headers, context.attachments) : null;
	const websocket = websocketOf(entry, response);
	const timestampStart = started / 1e6;
	const flow = new HttpFlow({
		id,
		timestampCreated: timestampStart,
		comment: entry.text("comment", ""),
		clientConn: () => clientConnection({ id: uuidOf(`${id}\nclient`), timestampStart, timestampEnd: moments.responseEnd }),
		serverConn: () => serverOf(uuidOf(`${id}\nserver`), entry, url, moments),
		request: requestOf(request, url, requestHead, requestBody.bytes, { timestampStart, timestampEnd: moments.requestEnd }),
		response: responseBody === null ? null : responseOf(response, responseHead, responseBody.bytes, moments),
		error: failureOf(response, isAnswered, moments),
		websocket,
		metadata: notesOf(entry, websocket !== null, requestBody, responseBody, context.pages),
	});
	setOwnFields(flow, value[`_${OWN}`] as MetaValue | undefined);
	return flow;
}

/** Methods whose target is `*` where the URL has no path (RFC 9112 section 3.2.4). */
const OF_SERVERS = /^(?:OPTIONS|M-SEARCH|NOTIFY)$/;

/** Browsers name what a WebSocket begins with by its own scheme, though it is a request like others; null for other schemes. */
function urlOf(request: Fields): UrlParts | null {
	const method = request.text("method");
	const text = request.text("url");
	const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? "";
	if (scheme !== "" && !/^(?:https?|wss?)$/.test(scheme) && method !== "CONNECT") return null;
	try {
		const url = parseUrl(text.replace(/^ws/i, "http"));
		// a tunnel has neither scheme nor path
		if (method === "CONNECT") return { ...url, scheme: "", path: "" };
		return OF_SERVERS.test(method) && /^[^/]*\/\/[^/?#]*$/.test(text) ? { ...url, path: "*" } : url;
	} catch {
		throw request.wrong("url", "an absolute URL");
	}
}

function requestOf(
	request: Fields,
	url: UrlParts,
	{ headers, pseudo }: Head,
	body: Buffer | null,
	times: { timestampStart: number; timestampEnd: number },
): Request {
	const cookie = headers.has("cookie") ? null : cookieField(request);
	if (cookie !== null) headers.add("cookie", cookie);
	const httpVersion = versionOf(request);
	const method = toByteString(request.text("method"));
	const isConnect = method === "CONNECT";
	const hasAuthority = isConnect || (!httpVersion.startsWith("HTTP/1.") && !headers.has("host"));
	const authority = pseudo.get(":authority") ?? (hasAuthority ? formatAuthority(url.host, url.port, isConnect ? undefined : url.scheme) : "");
	return new Request({
		...{ method, scheme: url.scheme, host: url.host, port: url.port, path: toByteString(url.path), authority },
		...{ httpVersion, headers, body, ...times },
	});
}

function responseOf(response: Fields, { headers }: Head, body: Buffer | null, { responseStart, responseEnd }: Moments): Response {
	if (!headers.has("set-cookie")) for (const field of setCookieFields(response)) headers.add("set-cookie", field);
	const status = response.number("status");
	if (!Number.isInteger(status) || status > 999) throw response.wrong("status", "a status of three digits");
	const reason = response.text("statusText", "");
	return new Response({
		...{ statusCode: status, reason: /[^\0-\xff]/.test(reason) ? toByteString(reason) : reason, httpVersion: versionOf(response) },
		...{ headers, body, timestampStart: responseStart, timestampEnd: responseEnd },
	});
}

/** `HTTP/2`, `h2`, `http/2.0`, `http/2+quic/46`, `unknown`, nothing: each browser has its own. */
function versionOf(message: Fields): string {
	const [, major, minor] = /^h(?:ttp\/?)?([0-3])(?:\.([0-9]))?/i.exec(message.text("httpVersion", "")) ?? [];
	if (major === "2") return "HTTP/2.0";
	if (major === "3") return "HTTP/3";
	return major === "1" && minor !== undefined ? `HTTP/1.${minor}` : major === "0" ? "HTTP/0.9" : "HTTP/1.1";
}

interface Head {
	headers: Headers;
	/** What HTTP/2 has in place of a start line. */
	pseudo: ReadonlyMap<string, string>;
}

/** Fields in their order. */
function headersOf(message: Fields): Head {
	const headers = new Headers();
	const pseudo = new Map<string, string>();
	for (const [i, item] of message.array("headers").entries()) {
		const [name, value] = Array.isArray(item) ? item : isObject(item) ? [item.name, item.value] : [];
		if (typeof name !== "string" || typeof value !== "string") throw wrong(`${message.path}headers[${i}]`, "a name and a value", item);
		if (name.startsWith(":")) pseudo.set(name, toByteString(value));
		// Chromium joins fields of one name by line breaks, which no value can hold
		else for (const line of value.split(/\r?\n|\r/)) headers.add(name, line);
	}
	return { headers, pseudo };
}

/** What a HAR has as an answer of status 0 or below is none. An answer may have broken off, too. */
function failureOf(response: Fields, isAnswered: boolean, moments: Moments): HttpFlow["error"] {
	const message = [response.value("_error"), response.value("_failureText")].find((text) => typeof text === "string" && text !== "");
	if (message === undefined && isAnswered) return null;
	return { message: String(message ?? "there was no response"), timestamp: moments.responseEnd };
}

function serverOf(id: string, entry: Fields, url: UrlParts, moments: Moments): ServerConnection {
	const ip = entry.text("serverIPAddress", "").replace(/^\[(.*)\]$/, "$1");
	return serverConnection({
		...{ id, address: [url.host, url.port], peername: ip === "" ? null : [ip, url.port], tls: url.scheme === "https" },
		...moments.connection,
	});
}

/** As Chromium writes messages: `time` in seconds, text as it is, binary as base64. */
function websocketOf(entry: Fields, response: Fields): WebSocketData | null {
	if (!entry.has("_webSocketMessages") || response.number("status") !== 101) return null;
	const messages = entry.list("_webSocketMessages", (at) => {
		const opcode = at.number("opcode", 1);
		const type = at.text("type", "");
		// the end of the connection and errors stand among the messages
		if ((type !== "send" && type !== "receive") || (opcode !== 1 && opcode !== 2)) return null;
		const content = Buffer.from(at.text("data", ""), opcode === 1 ? "utf8" : "base64");
		return { opcode, fromClient: type === "send", content, timestamp: at.number("time", 0), dropped: false, injected: false };
	});
	return {
		messages: messages.filter((message) => message !== null),
		...{ closedByClient: null, closeCode: null, closeReason: null, timestampEnd: null },
	};
}

function notesOf(entry: Fields, isWebSocket: boolean, request: ReadBody, response: ReadBody | null, pages: Map<string, JsonObject>): Metadata {
	const { values } = entry;
	const rest = remainder("entry", values);
	// follows from the messages
	if (isWebSocket) delete rest._resourceType;
	const { _page: page = null } = values;
	if (isObject(page) && typeof page.id === "string") pages.set(page.id, page);
	const notes = collect({
		entry: rest,
		request: remainder("request", values.request),
		postData: request.notes,
		response: remainder("response", values.response),
		content: response?.notes ?? {},
		timings: remainder("timings", values.timings),
		requestSize: sizeNote(entry.object("request"), request),
		responseSize: response === null ? {} : sizeNote(entry.object("response"), response),
		page: (typeof values.pageref === "string" && pages.get(values.pageref)) || null,
	});
	return Object.keys(notes).length === 0 ? {} : { [NOTE]: notes };
}

/** The size on the wire, where it is another than that of the bytes, which may be compressed anew; it stands as long as they are as many. */
function sizeNote(message: Fields, { bytes, isCoded }: ReadBody): JsonObject {
	const wire = Math.max(message.number("bodySize", -1), -1);
	const made = bytes?.length ?? -1;
	return wire === made || (wire === -1 && !isCoded) ? {} : { wire, made };
}

/** A UUID (RFC 9562 section 5.8) that is the same for the same name, so that a HAR read twice has the same ids. */
function uuidOf(name: string): string {
	const hash = createHash("sha256").update(name).digest().subarray(0, 16);
	hash[6] = ((hash[6] as number) & 0x0f) | 0x80;
	hash[8] = ((hash[8] as number) & 0x3f) | 0x80;
	return hash.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
