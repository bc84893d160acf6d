// Reads a flow from a HAR entry, and handles the peculiarities of HAR writers.
import { type Body, bodySize } from "../../src/flow/body.ts";
import { toByteString } from "../../src/flow/bytes.ts";
import { type Address, clientConnection, type ServerConnection, serverConnection } from "../../src/flow/connection.ts";
import { HttpFlow, type WebSocketData } from "../../src/flow/flow.ts";
import { Headers } from "../../src/flow/headers.ts";
import { Request, Response } from "../../src/flow/message.ts";
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";
import { formatAuthority, splitUrl, type UrlParts } from "../../src/flow/url.ts";
import { derivedUuid } from "../derived-uuid.ts";
import { isObject, type Json, type JsonObject, wrong } from "../fields.ts";
import { decodeBase64 } from "../json-values.ts";
import { LEFT_OUT, type OddFieldReporter } from "../odd-fields.ts";
import { cutParts, OWN, setOwnFields } from "../own-fields.ts";
import { cookieField, setCookieFields } from "./cookies.ts";
import { EntryFields } from "./entry-fields.ts";
import type { Pages } from "./log-fields.ts";
import { collect, NOTE, remainder } from "./notes.ts";
import { type Attachments, type ReadBody, readContent, readPostData } from "./read-body.ts";
import { formatStarted, type Moments, parseStarted, readMoments } from "./timings.ts";

export interface EntryContext {
	/** Number of the entry, from 1. */
	record: number;
	/**
	 * Pages by id. Pages in the entry itself are added; flowtape writes them there, so that a HAR can be read as a
	 * stream.
	 */
	pages: Pages;
	attachments: Attachments;
	/** Receives every field that does not follow HAR 1.2. */
	odd?: OddFieldReporter;
	/** mitmproxy wrote the HAR. */
	isOfMitmproxy?: boolean;
	/** Start of the previous entry in microseconds since 1970: the best guess for an entry without a start. */
	started?: number;
}

/**
 * The flow of an entry; null if it is not HTTP: browsers also list `data:` and `blob:` URLs.
 * @throws FlowtapeError FT_CORRUPT_FLOW with the path of the invalid field
 */
export function readEntry(value: Json, context: EntryContext): HttpFlow | null {
	if (!isObject(value)) throw wrong("", "an entry (an object)", value);
	const entry = new EntryFields(value, "", context.odd);
	if (!isObject(entry.value("request"))) throw entry.wrong("request", "an object");
	const request = entry.object("request");
	if (!isObject(entry.value("response"))) entry.reportOdd("response", "an object", "the flow has no response");
	const response = new EntryFields(
		entry.object("response").values,
		"response.",
		isObject(entry.value("response")) ? context.odd : undefined,
	);
	const method = methodOf(request);
	const address = trimAscii(request.text("url"));
	const url = urlParts(request, method, address);
	if (url === null) return null;
	const started = startedOf(entry, context);
	context.started = started;
	const moments = readMoments(entry, started, url.scheme === "https");
	const id =
		entry.text("_id") ||
		derivedUuid(`${context.record}\n${String(entry.value("startedDateTime") ?? "")}\n${method} ${address}`);
	const status = statusOf(response);
	const requestHead = headersOf(request);
	const responseHead = headersOf(response);
	const own = value[`_${OWN}`] as MetaValue | undefined;
	const { isRequestCut, isResponseCut } = cutParts(own);
	const requestBody = readPostData(request, requestHead.headers, context, { method, isUnfinished: isRequestCut });
	const isUnfinished = isResponseCut || failureText(response) !== null;
	const content = readContent(response, responseHead.headers, context, { method, statusCode: status, isUnfinished });
	// Firefox writes pushed responses without a status
	const isAnswered = status > 0 || responseHead.headers.size > 0 || (bodySize(content.bytes) ?? 0) > 0;
	const responseBody = isAnswered ? content : null;
	const websocket = websocketOf(entry, status);
	const timestampStart = started / 1e6;
	const peer = peerOf(entry, url);
	const flow = new HttpFlow({
		id,
		timestampCreated: timestampStart,
		comment: entry.text("comment"),
		clientConn: () =>
			clientConnection({ id: derivedUuid(`${id}\nclient`), timestampStart, timestampEnd: moments.responseEnd }),
		serverConn: () => serverOf(derivedUuid(`${id}\nserver`), peer, url, moments),
		request: requestOf(request, { method, url }, requestHead, requestBody.bytes, {
			timestampStart,
			timestampEnd: moments.requestEnd,
		}),
		response: responseBody === null ? null : responseOf(response, status, responseHead, responseBody.bytes, moments),
		error: failureOf(response, { isAnswered, isCut: content.isCut === true }, moments),
		websocket,
		metadata: notesOf(
			entry,
			{ isWebSocket: websocket !== null, scheme: /^wss?(?=:)/i.exec(address)?.[0] ?? null },
			requestBody,
			responseBody,
			context.pages,
		),
	});
	setOwnFields(flow, own);
	return flow;
}

/** Trims ASCII white space. Other white space, such as U+2028, may be part of a path. */
function trimAscii(text: string): string {
	const isSpace = (at: number) => /[\t\n\f\r ]/.test(text.charAt(at));
	let [from, to] = [0, text.length];
	while (from < to && isSpace(from)) from++;
	while (to > from && isSpace(to - 1)) to--;
	return text.slice(from, to);
}

function methodOf(request: EntryFields): string {
	const method = request.text("method");
	if (method !== "") return method;
	const guess = isObject(request.value("postData")) ? "POST" : "GET";
	if (!request.has("method") || request.value("method") === "")
		request.reportOdd("method", "a string", `read as ${guess}`);
	return guess;
}

/** The status; 0 if it is missing or invalid. */
function statusOf(response: EntryFields): number {
	if (!response.has("status")) {
		response.reportOdd("status", "a number", "read as 0");
		return 0;
	}
	const status = response.number("status", 0);
	if (status <= 0) return 0;
	if (Number.isInteger(status) && status <= 999) return status;
	response.reportOdd("status", "a status of three digits", LEFT_OUT);
	return 0;
}

/** Start in microseconds since 1970; if missing, the start of the page or of the previous entry. */
function startedOf(entry: EntryFields, { pages, started = 0 }: EntryContext): number {
	const value = entry.value("startedDateTime");
	const isText = typeof value === "string" && Number.isNaN(Number(value));
	const own = isText ? parseStarted(value.trim()) : null;
	if (own !== null) return own;
	const page = pages.get(entry.value("pageref") as string)?.startedDateTime;
	const guess = sinceEpoch(value) ?? (typeof page === "string" ? parseStarted(page) : null) ?? started;
	entry.reportOdd("startedDateTime", "a date in ISO 8601", `read as ${formatStarted(guess / 1e6)}`);
	return guess;
}

/**
 * Converts a time since 1970 to microseconds. Takes it as seconds or milliseconds, by which of them gives a year from
 * 1973 to 5138. null for other values.
 */
function sinceEpoch(value: Json): number | null {
	const number =
		typeof value === "number" || (typeof value === "string" && value.trim() !== "") ? Number(value) : Number.NaN;
	if (number >= 1e11 && number < 1e14) return Math.round(number * 1000);
	return number >= 1e8 && number < 1e11 ? Math.round(number * 1e6) : null;
}

/** Methods whose target is `*` if the URL has no path (RFC 9112 section 3.2.4). */
const OF_SERVERS = /^(?:OPTIONS|M-SEARCH|NOTIFY)$/;

/**
 * Splits a URL; null for schemes other than HTTP. Browsers give WebSocket handshakes the scheme `ws` or `wss`, although
 * they are HTTP requests.
 */
function urlParts(request: EntryFields, method: string, text: string): UrlParts | null {
	const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? "";
	if (scheme !== "" && !/^(?:https?|wss?)$/.test(scheme) && method !== "CONNECT") return null;
	const url = splitUrl(text.replace(/^ws/i, "http"));
	if (url === null) throw request.wrong("url", "an absolute URL");
	// a tunnel has neither scheme nor path
	if (method === "CONNECT") return { ...url, scheme: "", path: "" };
	return OF_SERVERS.test(method) && /^[^/]*\/\/[^/?#]*$/.test(text) ? { ...url, path: "*" } : url;
}

function requestOf(
	request: EntryFields,
	{ method, url }: { method: string; url: UrlParts },
	{ headers, pseudo }: Head,
	body: Body,
	times: { timestampStart: number; timestampEnd: number },
): Request {
	const cookie = headers.has("cookie") ? null : cookieField(request);
	if (cookie !== null) headers.add("cookie", cookie);
	const httpVersion = versionOf(request);
	const isConnect = method === "CONNECT";
	const hasAuthority = isConnect || (!httpVersion.startsWith("HTTP/1.") && !headers.has("host"));
	const authority =
		pseudo.get(":authority") ??
		(hasAuthority ? formatAuthority(url.host, url.port, isConnect ? undefined : url.scheme) : "");
	return new Request({
		method: toByteString(method),
		scheme: url.scheme,
		host: url.host,
		port: url.port,
		path: toByteString(url.path),
		authority,
		httpVersion,
		headers,
		body,
		...times,
	});
}

function responseOf(
	response: EntryFields,
	status: number,
	{ headers }: Head,
	body: Body,
	{ responseStart, responseEnd }: Moments,
): Response {
	if (!headers.has("set-cookie")) for (const field of setCookieFields(response)) headers.add("set-cookie", field);
	const reason = response.text("statusText");
	return new Response({
		statusCode: status,
		reason: /[^\0-\xff]/.test(reason) ? toByteString(reason) : reason,
		httpVersion: versionOf(response),
		headers,
		body,
		timestampStart: responseStart,
		timestampEnd: responseEnd,
	});
}

/** Browsers write `HTTP/2`, `h2`, `http/2.0`, `http/2+quic/46`, `unknown` or nothing. */
function versionOf(message: EntryFields): string {
	const [, major, minor] = /^h(?:ttp\/?)?([0-3])(?:\.([0-9]))?/i.exec(message.text("httpVersion", "")) ?? [];
	if (major === "2") return "HTTP/2.0";
	if (major === "3") return "HTTP/3";
	return major === "1" && minor !== undefined ? `HTTP/1.${minor}` : major === "0" ? "HTTP/0.9" : "HTTP/1.1";
}

interface Head {
	headers: Headers;
	/** Pseudo-header fields of HTTP/2. */
	pseudo: ReadonlyMap<string, string>;
}

/** The header fields, in order. */
function headersOf(message: EntryFields): Head {
	const headers = new Headers();
	const pseudo = new Map<string, string>();
	for (const [name, value] of message.pairs("headers")) {
		if (name.startsWith(":")) pseudo.set(name, toByteString(value));
		// Chromium joins fields of one name with line breaks, which no value can contain
		else for (const line of value.split(/\r?\n|\r/)) headers.add(name, line);
	}
	return { headers, pseudo };
}

/**
 * The failure of a flow. An empty response with status 0 or below means that there was no response. A response may also
 * have been cut off.
 */
function failureOf(
	response: EntryFields,
	{ isAnswered, isCut }: { isAnswered: boolean; isCut: boolean },
	moments: Moments,
): HttpFlow["error"] {
	const implied = isCut ? "the body is shorter than its sizes in the HAR" : isAnswered ? null : "there was no response";
	const message = failureText(response) ?? implied;
	return message === null ? null : { message, timestamp: moments.responseEnd };
}

function failureText(response: EntryFields): string | null {
	const texts = [response.value("_error"), response.value("_failureText")];
	return texts.find((text): text is string => typeof text === "string" && text !== "") ?? null;
}

/** The address of the server; null if unknown. */
function peerOf(entry: EntryFields, { port }: UrlParts): Address | null {
	const value = entry.value("serverIPAddress");
	const single = Array.isArray(value) && value.length === 1 ? value[0] : value;
	if (typeof single !== "string" && value !== null) entry.reportOdd("serverIPAddress", "an IP address", LEFT_OUT);
	const ip = typeof single === "string" ? single.replace(/^\[(.*)\]$/, "$1") : "";
	return ip === "" ? null : [ip, port];
}

function serverOf(id: string, peername: Address | null, url: UrlParts, moments: Moments): ServerConnection {
	return serverConnection({
		id,
		address: [url.host, url.port],
		peername,
		tls: url.scheme === "https",
		...moments.connection,
	});
}

/**
 * Reads WebSocket messages as Chromium writes them: `time` in seconds, text as is, binary as base64. With HTTP/2 the
 * status is 200 (RFC 8441). With any other status, messages are kept too.
 */
function websocketOf(entry: EntryFields, status: number): WebSocketData | null {
	if (!entry.has("_webSocketMessages")) return null;
	const list = entry.list("_webSocketMessages", (at) => {
		const opcode = at.number("opcode", 1);
		const type = at.text("type");
		// the list also contains the end of the connection and errors
		if ((type !== "send" && type !== "receive") || (opcode !== 1 && opcode !== 2)) return null;
		return {
			opcode,
			fromClient: type === "send",
			content: messageData(at, opcode),
			timestamp: at.number("time", 0),
			dropped: false,
			injected: false,
		};
	});
	const messages = list.filter((message) => message !== null);
	if (status !== 101 && messages.length === 0) return null;
	return {
		messages,
		closedByClient: null,
		closeCode: null,
		closeReason: null,
		timestampEnd: null,
	};
}

function messageData(message: EntryFields, opcode: number): Buffer {
	const data = message.content("data");
	if (opcode === 1) return Buffer.from(data);
	const bytes = decodeBase64(data);
	if (bytes === undefined) message.reportOdd("data", "base64", "read as plain text");
	return bytes ?? Buffer.from(data);
}

function notesOf(
	entry: EntryFields,
	{ isWebSocket, scheme }: { isWebSocket: boolean; scheme: string | null },
	request: ReadBody,
	response: ReadBody | null,
	pages: Pages,
): Metadata {
	const { values } = entry;
	const rest = remainder("entry", values);
	// notes are written to HARs again, so they must follow HAR 1.2
	if (entry.optional("cache", () => true) === null) delete rest.cache;
	for (const key of ["pageref", "connection"]) if (rest[key] !== undefined) rest[key] = entry.text(key);
	// `writeEntry` derives it from the messages
	if (isWebSocket) delete rest._resourceType;
	const { _page: page = null } = values;
	if (isObject(page) && typeof page.id === "string") pages.set(page.id, page);
	const notes = collect({
		entry: rest,
		request: remainder("request", values.request),
		postData: request.notes,
		params: request.params ?? {},
		response: remainder("response", values.response),
		content: response?.notes ?? {},
		timings: timingsNote(entry),
		requestSize: sizeNote(entry.object("request"), request),
		responseSize: response === null ? {} : sizeNote(entry.object("response"), response),
		url: scheme === null ? {} : { scheme: scheme.toLowerCase() },
		page: (typeof values.pageref === "string" && pages.get(values.pageref)) || null,
	});
	return Object.keys(notes).length === 0 ? {} : ({ [NOTE]: notes } as Metadata);
}

/** The phases that precede the request, which `writeTimings` subtracts. Drops negative phases. */
function timingsNote(entry: EntryFields): JsonObject {
	const note = remainder("timings", entry.values.timings);
	const timings = entry.object("timings");
	for (const [key, value] of Object.entries(note)) {
		if (key !== "blocked" && key !== "dns" && typeof value !== "number") continue;
		const phase = timings.number(key);
		if (phase < 0) delete note[key];
		else note[key] = phase;
	}
	return note;
}

/**
 * The size on the wire (`wire`) if it differs from the length of the bytes (`made`), which may have been compressed
 * again. Valid as long as the length of the body does not change.
 */
function sizeNote(message: EntryFields, { bytes, isCoded }: ReadBody): JsonObject {
	const wire = Math.max(Math.trunc(message.number("bodySize", -1)), -1);
	const made = bodySize(bytes) ?? -1;
	return wire === made || (wire === -1 && !isCoded) ? {} : { wire, made };
}
