// Writes a flow as a HAR entry that Chromium and mitmproxy can read: strings are well-formed, and numbers follow HAR
// 1.2.
import { isUtf8 } from "node:buffer";
import { type Body, bodyBytes, bodySize, DECODED_LIMIT } from "../../src/flow/body.ts";
import { type ByteString, isAscii, NO_BYTES, toText } from "../../src/flow/bytes.ts";
import type { HttpFlow, WebSocketMessage } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import { parseQuery, splitPath, splitUrl } from "../../src/flow/url.ts";
import { isUtf8Body } from "../../src/flow/whole-pieces.ts";
import type { Json, JsonObject } from "../fields.ts";
import type { LongTexts } from "../long-texts.ts";
import { OWN, ownFields } from "../own-fields.ts";
import { requestCookies, responseCookies } from "./cookies.ts";
import { BODY_LIMIT, type Decoded, Inflation, LONG_BODY } from "./inflation.ts";
import { inside, notesOf } from "./notes.ts";
import { textOfBytes } from "./text.ts";
import { formatStarted, writeTimings } from "./timings.ts";

/** Where bodies are stored. */
export interface BodyStorage {
	/** Stores a body in a separate file and returns its name; null: the body is stored in the HAR. */
	readonly attach?: ((body: Exclude<Body, null>, contentType: string) => string | null) | undefined;
	/** Writes long bodies in pieces; without it, every body becomes a string. */
	readonly long?: LongTexts;
	/** Decodes bodies, with a limit for the whole HAR; default: a limit for this entry. */
	readonly inflation?: Inflation;
}

const NOT_RECORDED = "The body was not recorded.";
const TOO_LARGE = "The body is too large for a HAR.";

export interface WrittenEntry {
	entry: JsonObject;
	/** The page of the entry, if known. */
	page: JsonObject | null;
}

export function writeEntry(flow: HttpFlow, storage: BodyStorage = {}): WrittenEntry {
	const notes = notesOf(flow);
	const { time, timings } = writeTimings(flow, inside(notes, "timings"));
	const page = inside(notes, "page");
	const hasPage = typeof page.id === "string";
	const entry: JsonObject = {
		startedDateTime: formatStarted(flow.request.timestampStart),
		time,
		request: requestObject(flow.request, notes, storage),
		response: responseObject(flow, notes, storage),
		cache: {},
		timings,
		...serverAddress(flow),
		...inside(notes, "entry"),
		...(hasPage ? { pageref: page.id as string } : {}),
		...(flow.comment === "" ? {} : { comment: flow.comment.toWellFormed() }),
		_id: flow.id.toWellFormed(),
		...ownField(flow),
		...websocketFields(flow, storage),
	};
	return { entry, page: hasPage ? page : null };
}

function ownField(flow: HttpFlow): JsonObject {
	const own = ownFields(flow);
	return own === null ? {} : { [`_${OWN}`]: own as JsonObject };
}

function requestObject(request: Request, notes: JsonObject, storage: BodyStorage): JsonObject {
	const headers = headerList(request.headers);
	const path = escapeStray(toText(request.path));
	const method = wellFormed(request.method);
	return {
		...inside(notes, "request"),
		method,
		url: displayUrl(request, inside(notes, "url").scheme),
		httpVersion: wellFormed(request.httpVersion),
		cookies: requestCookies(request.headers),
		headers,
		queryString: pairList(parseQuery(splitPath(path).query)),
		headersSize: headSize(`${method} ${path} `, request, headers),
		bodySize: wireSize(request, inside(notes, "requestSize")),
		...postData(request, inside(notes, "postData"), inside(notes, "params"), storage),
	};
}

function responseObject(flow: HttpFlow, notes: JsonObject, storage: BodyStorage): JsonObject {
	const { response, error } = flow;
	const failure = error === null ? {} : { _error: error.message.toWellFormed() };
	if (response === null) {
		return {
			...inside(notes, "response"),
			status: 0,
			statusText: "",
			httpVersion: "",
			cookies: [],
			headers: [],
			content: { size: 0, mimeType: "x-unknown" },
			redirectURL: "",
			headersSize: -1,
			bodySize: -1,
			_error: "there was no response",
			...failure,
		};
	}
	const headers = headerList(response.headers);
	const bodySize = wireSize(response, inside(notes, "responseSize"));
	return {
		...inside(notes, "response"),
		status: response.statusCode,
		statusText: response.reason,
		httpVersion: wellFormed(response.httpVersion),
		cookies: responseCookies(response.headers),
		headers,
		content: content(response, bodySize, inside(notes, "content"), storage),
		redirectURL: wellFormed(response.headers.raw("location") ?? ""),
		headersSize: headSize(` ${response.statusCode} ${response.reason}`, response, headers),
		bodySize,
		...failure,
	};
}

/** The URL for display. @param scheme `ws` or `wss` if the entry was read with it */
function displayUrl(request: Request, scheme: Json | undefined): string {
	const isConnect = request.method.toUpperCase() === "CONNECT";
	const whole = (url: string) => escapeStray(isConnect ? `https://${url}/` : url);
	const url = whole(request.prettyUrl);
	// a Host field may contain anything, but readers of the HAR need a valid URL
	const readable = (isConnect || URL.canParse(url)) && splitUrl(url) !== null ? url : whole(request.url);
	return scheme === request.scheme.replace("http", "ws") ? readable.replace(/^http/, "ws") : readable;
}

/** Escapes bytes that are not UTF-8. */
function escapeStray(text: string): string {
	return text.isWellFormed()
		? text
		: text.replace(/\p{Cs}/gu, (byte) => `%${(byte.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`);
}

/** Bytes as text; invalid UTF-8 becomes U+FFFD. */
function wellFormed(bytes: ByteString): string {
	return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

function headerList({ fields }: Headers): JsonObject[] {
	const list: JsonObject[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2)
		list.push({ name: wellFormed(fields[i] as string), value: wellFormed(fields[i + 1] as string) });
	return list;
}

function pairList(pairs: readonly [name: string, value: string][]): JsonObject[] {
	return pairs.map(([name, value]) => ({ name: name.toWellFormed(), value: value.toWellFormed() }));
}

/** Size of the start line, the fields and the line breaks in HTTP/1, in bytes; -1 for HTTP/2, which compresses them. */
function headSize(startLine: string, { httpVersion }: Message, headers: readonly JsonObject[]): number {
	if (!httpVersion.startsWith("HTTP/1.")) return -1;
	let size = Buffer.byteLength(startLine) + httpVersion.length + 4;
	// name and value are followed by a colon and a space, and by a line break
	for (const { name, value } of headers)
		size += Buffer.byteLength(name as string) + Buffer.byteLength(value as string) + 4;
	return size;
}

/** Size of the body as sent, in bytes; -1 if it was not recorded. */
function wireSize(message: Message, note: JsonObject): number {
	const size = message.bodySize ?? -1;
	return note.made === size && typeof note.wire === "number" ? note.wire : size;
}

/** The decoded body, or a text that says why it is missing. */
function decodedBody(message: Message, { inflation = new Inflation(), attach, long }: BodyStorage): Decoded | string {
	const { body } = message;
	const size = bodySize(body) ?? 0;
	if (size > BODY_LIMIT) return TOO_LARGE;
	if (body !== null && size > LONG_BODY && (long !== undefined || attach !== undefined)) {
		if (!message.headers.has("content-encoding")) return { bytes: body };
		// it decodes to no fewer bytes
		if (size > DECODED_LIMIT) return inflation.keep(body);
	}
	const raw = message.rawContent;
	if (raw === null) return NOT_RECORDED;
	return inflation.decode(raw, message.headers.get("content-encoding"));
}

/**
 * `postData` of a request.
 * @param shown `ReadBody.params`: form fields, valid only for a body of the length with which they were read
 */
function postData(request: Request, notes: JsonObject, shown: JsonObject, storage: BodyStorage): JsonObject {
	const params = shown.list !== undefined && shown.made === (request.bodySize ?? -1) ? { params: shown.list } : {};
	if (request.bodySize === 0 && Object.keys(notes).length === 0 && Object.keys(params).length === 0) return {};
	const mimeType = wellFormed(request.headers.raw("content-type") ?? "");
	const body = decodedBody(request, storage);
	// mitmproxy cannot read a HAR with postData without text
	if (typeof body === "string") return { postData: { mimeType, ...notes, ...params, text: "", comment: body } };
	const kept = notesOfBody(notes, body);
	if (!mimeType.includes("application/x-www-form-urlencoded"))
		return { postData: { mimeType, ...kept, ...params, ...textFields(body, mimeType, storage) } };
	const text = textFields(body, mimeType, { attach: storage.attach });
	const isText = typeof text.text === "string" && text.encoding === undefined;
	return {
		postData: { mimeType, ...kept, ...text, ...(isText ? { params: pairList(parseQuery(text.text as string)) } : {}) },
	};
}

function content(response: Response, wire: number, notes: JsonObject, storage: BodyStorage): JsonObject {
	const mimeType = wellFormed(response.headers.raw("content-type") ?? "");
	const body = decodedBody(response, storage);
	if (typeof body === "string") return { size: 0, mimeType, ...notes, comment: body };
	const isCoded = response.headers.has("content-encoding") && wire >= 0;
	const size = bodySize(body.bytes) ?? 0;
	return {
		size,
		...(isCoded ? { compression: size - wire } : {}),
		mimeType,
		...withoutSize(notesOfBody(notes, body)),
		...(size === 0 ? {} : textFields(body, mimeType, storage)),
	};
}

/** The comment of an empty body would be read as the reason why the body is missing. */
function notesOfBody({ comment, ...notes }: JsonObject, { bytes }: Decoded): JsonObject {
	return comment === undefined || bodySize(bytes) === 0 ? notes : { ...notes, comment };
}

function withoutSize({ size: _, ...notes }: JsonObject): JsonObject {
	return notes;
}

function textFields({ bytes: body, asSent }: Decoded, contentType: string, { attach, long }: BodyStorage): JsonObject {
	const mark = asSent === undefined ? {} : { _asSent: asSent };
	const file = attach?.(body, contentType) ?? null;
	if (file !== null) return { _file: file, ...mark };
	const later = attach === undefined && long?.accepts(bodySize(body) ?? 0) ? long : undefined;
	if (later !== undefined && isUtf8Body(body, true)) return { text: later.addText(body, "utf8"), ...mark };
	if (later !== undefined && !Buffer.isBuffer(body))
		return { text: later.addText(body, "base64"), encoding: "base64", ...mark };
	const bytes = bodyBytes(body) ?? NO_BYTES;
	const text = textOfBytes(bytes, contentType === "" ? null : contentType);
	if (text !== null) return { text, ...mark };
	return { text: later?.addText(bytes, "base64") ?? bytes.toString("base64"), encoding: "base64", ...mark };
}

function serverAddress({ serverConn: { peername } }: HttpFlow): JsonObject {
	return peername === null ? {} : { serverIPAddress: peername[0].toWellFormed() };
}

/** WebSocket messages as Chromium writes them. */
function websocketFields({ websocket }: HttpFlow, { long }: BodyStorage): JsonObject {
	if (websocket === null) return {};
	const message = ({ fromClient, timestamp, opcode, content }: WebSocketMessage): Json => ({
		type: fromClient ? "send" : "receive",
		time: timestamp,
		opcode,
		data: messageData(opcode, content, long),
	});
	const { messages } = websocket;
	return {
		_resourceType: "websocket",
		_webSocketMessages: long === undefined ? messages.map(message) : long.messages(messages, message),
	};
}

function messageData(opcode: number, content: Buffer, long: LongTexts | undefined): string {
	if (long?.accepts(content.length) && (opcode !== 1 || isUtf8(content)))
		return long.addText(content, opcode === 1 ? "utf8" : "base64");
	return content.toString(opcode === 1 ? "utf8" : "base64");
}
