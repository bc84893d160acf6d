// An entry of a HAR from a flow. Strings are well-formed, numbers what HAR 1.2 allows; Chromium and mitmproxy read it.
import { type ByteString, isAscii, toText } from "../../src/flow/bytes.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { Message, Request, Response } from "../../src/flow/message.ts";
import { parseQuery, splitPath, splitUrl } from "../../src/flow/url.ts";
import type { Json, JsonObject } from "../fields.ts";
import { OWN, ownFields } from "../own-fields.ts";
import { requestCookies, responseCookies } from "./cookies.ts";
import { BODY_LIMIT, type Decoded, Inflation } from "./inflation.ts";
import type { LongTexts } from "./long-texts.ts";
import { inside, notesOf } from "./notes.ts";
import { isPlain, textOfBytes } from "./text.ts";
import { formatStarted, writeTimings } from "./timings.ts";

/** Where bodies go. */
export interface BodyPlaces {
	/** Takes a body that is not to stand in the HAR itself: gives the name of its file; null for a body that stands in the HAR. */
	readonly attach?: ((bytes: Buffer, contentType: string) => string | null) | undefined;
	/** Takes what is long, and makes the entry's JSON then; without it a string is made of any body. */
	readonly long?: LongTexts;
	/** Undoes the content codings of all entries of a HAR; default: of this entry alone. */
	readonly inflation?: Inflation;
}

const NOT_RECORDED = "The body was not recorded.";
const TOO_LARGE = "The body is too large for a HAR.";

export interface WrittenEntry {
	entry: JsonObject;
	/** The page that the entry belongs to, where one is known. */
	page: JsonObject | null;
}

export function writeEntry(flow: HttpFlow, places: BodyPlaces = {}): WrittenEntry {
	const notes = notesOf(flow);
	const { time, timings } = writeTimings(flow, inside(notes, "timings"));
	const page = inside(notes, "page");
	const hasPage = typeof page.id === "string";
	const entry: JsonObject = {
		startedDateTime: formatStarted(flow.request.timestampStart),
		time,
		request: requestObject(flow.request, notes, places),
		response: responseObject(flow, notes, places),
		cache: {},
		timings,
		...serverAddress(flow),
		...inside(notes, "entry"),
		...(hasPage ? { pageref: page.id as string } : {}),
		...(flow.comment === "" ? {} : { comment: flow.comment.toWellFormed() }),
		_id: flow.id.toWellFormed(),
		...ownField(flow),
		...websocketFields(flow),
	};
	return { entry, page: hasPage ? page : null };
}

function ownField(flow: HttpFlow): JsonObject {
	const own = ownFields(flow);
	return own === null ? {} : { [`_${OWN}`]: own as JsonObject };
}

function requestObject(request: Request, notes: JsonObject, places: BodyPlaces): JsonObject {
	const headers = headerList(request.headers);
	const path = escapeStray(toText(request.path));
	const method = wellFormed(request.method);
	return {
		...inside(notes, "request"),
		method,
		url: urlOf(request, inside(notes, "url").scheme),
		httpVersion: wellFormed(request.httpVersion),
		cookies: requestCookies(request.headers),
		headers,
		queryString: pairList(parseQuery(splitPath(path).query)),
		headersSize: headSize(`${method} ${path} `, request, headers),
		bodySize: wireSize(request, inside(notes, "requestSize")),
		...postData(request, inside(notes, "postData"), inside(notes, "params"), places),
	};
}

function responseObject(flow: HttpFlow, notes: JsonObject, places: BodyPlaces): JsonObject {
	const { response, error } = flow;
	const failure = error === null ? {} : { _error: error.message.toWellFormed() };
	if (response === null) {
		return {
			...inside(notes, "response"),
			...{ status: 0, statusText: "", httpVersion: "", cookies: [], headers: [], content: { size: 0, mimeType: "x-unknown" } },
			...{ redirectURL: "", headersSize: -1, bodySize: -1, _error: "there was no response", ...failure },
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
		content: content(response, bodySize, inside(notes, "content"), places),
		redirectURL: wellFormed(response.headers.raw("location") ?? ""),
		headersSize: headSize(` ${response.statusCode} ${response.reason}`, response, headers),
		bodySize,
		...failure,
	};
}

/** The URL a person would name. @param scheme `ws` or `wss` where it was read with that */
function urlOf(request: Request, scheme: Json | undefined): string {
	const isConnect = request.method.toUpperCase() === "CONNECT";
	const whole = (url: string) => escapeStray(isConnect ? `https://${url}/` : url);
	const url = whole(request.prettyUrl);
	// a Host field may hold anything; readers of the HAR, this one too, have to find a URL
	const readable = (isConnect || URL.canParse(url)) && splitUrl(url) !== null ? url : whole(request.url);
	return scheme === request.scheme.replace("http", "ws") ? readable.replace(/^http/, "ws") : readable;
}

/** Escapes bytes that are not UTF-8. */
function escapeStray(text: string): string {
	return text.isWellFormed() ? text : text.replace(/\p{Cs}/gu, (byte) => `%${(byte.charCodeAt(0) & 0xff).toString(16).toUpperCase()}`);
}

/** Bytes as text; what is not UTF-8 becomes U+FFFD. */
function wellFormed(bytes: ByteString): string {
	return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

function headerList({ fields }: Headers): JsonObject[] {
	const list: JsonObject[] = [];
	for (let i = 0; i + 1 < fields.length; i += 2) list.push({ name: wellFormed(fields[i] as string), value: wellFormed(fields[i + 1] as string) });
	return list;
}

function pairList(pairs: readonly [name: string, value: string][]): JsonObject[] {
	return pairs.map(([name, value]) => ({ name: name.toWellFormed(), value: value.toWellFormed() }));
}

/** Bytes of start line, fields and line breaks in HTTP/1; HTTP/2 compresses them. */
function headSize(startLine: string, { httpVersion }: Message, headers: readonly JsonObject[]): number {
	if (!httpVersion.startsWith("HTTP/1.")) return -1;
	let size = Buffer.byteLength(startLine) + httpVersion.length + 4;
	// colon and space, and a line break, stand behind name and value
	for (const { name, value } of headers) size += Buffer.byteLength(name as string) + Buffer.byteLength(value as string) + 4;
	return size;
}

/** Bytes of the body as sent; -1 where it was not recorded. */
function wireSize(message: Message, note: JsonObject): number {
	const size = message.bodySize ?? -1;
	return note.made === size && typeof note.wire === "number" ? note.wire : size;
}

/** The body with its Content-Encoding undone; a text that says why it is not there. */
function decodedBody(message: Message, { inflation = new Inflation() }: BodyPlaces): Decoded | string {
	if ((message.bodySize ?? 0) > BODY_LIMIT) return TOO_LARGE;
	const raw = message.rawContent;
	if (raw === null) return NOT_RECORDED;
	return inflation.decode(raw, message.headers.get("content-encoding"));
}

/** @param shown the fields of a form that were read beside a body of so many bytes, or without one */
function postData(request: Request, notes: JsonObject, shown: JsonObject, places: BodyPlaces): JsonObject {
	const params = shown.list !== undefined && shown.made === (request.bodySize ?? -1) ? { params: shown.list } : {};
	if (request.bodySize === 0 && Object.keys(notes).length === 0 && Object.keys(params).length === 0) return {};
	const mimeType = wellFormed(request.headers.raw("content-type") ?? "");
	const body = decodedBody(request, places);
	// mitmproxy reads no HAR with postData that has no text
	if (typeof body === "string") return { postData: { mimeType, ...notes, ...params, text: "", comment: body } };
	if (!mimeType.includes("application/x-www-form-urlencoded")) return { postData: { mimeType, ...notes, ...params, ...textFields(body, mimeType, places) } };
	const text = textFields(body, mimeType, { attach: places.attach });
	const isText = typeof text.text === "string" && text.encoding === undefined;
	return { postData: { mimeType, ...notes, ...text, ...(isText ? { params: pairList(parseQuery(text.text as string)) } : {}) } };
}

function content(response: Response, bodySize: number, notes: JsonObject, places: BodyPlaces): JsonObject {
	const mimeType = wellFormed(response.headers.raw("content-type") ?? "");
	const body = decodedBody(response, places);
	if (typeof body === "string") return { size: 0, mimeType, ...notes, comment: body };
	const isCoded = response.headers.has("content-encoding") && bodySize >= 0;
	return {
		size: body.bytes.length,
		...(isCoded ? { compression: body.bytes.length - bodySize } : {}),
		mimeType,
		...withoutSize(notes),
		...(body.bytes.length === 0 ? {} : textFields(body, mimeType, places)),
	};
}

function withoutSize({ size: _, ...notes }: JsonObject): JsonObject {
	return notes;
}

function textFields({ bytes, asSent }: Decoded, contentType: string, { attach, long }: BodyPlaces): JsonObject {
	const mark = asSent === undefined ? {} : { _asSent: asSent };
	const file = attach?.(bytes, contentType) ?? null;
	if (file !== null) return { _file: file, ...mark };
	const later = long?.takes(bytes.length) ? long : undefined;
	if (later !== undefined && isPlain(bytes)) return { text: later.add(bytes, "utf8"), ...mark };
	const text = textOfBytes(bytes, contentType === "" ? null : contentType);
	if (text !== null) return { text, ...mark };
	return { text: later?.add(bytes, "base64") ?? bytes.toString("base64"), encoding: "base64", ...mark };
}

function serverAddress({ serverConn: { peername } }: HttpFlow): JsonObject {
	return peername === null ? {} : { serverIPAddress: peername[0].toWellFormed() };
}

/** As Chromium has messages. */
function websocketFields({ websocket }: HttpFlow): JsonObject {
	if (websocket === null) return {};
	const messages: Json[] = websocket.messages.map(({ fromClient, timestamp, opcode, content: bytes }) => ({
		type: fromClient ? "send" : "receive",
		time: timestamp,
		opcode,
		data: opcode === 1 ? bytes.toString("utf8") : bytes.toString("base64"),
	}));
	return { _resourceType: "websocket", _webSocketMessages: messages };
}
