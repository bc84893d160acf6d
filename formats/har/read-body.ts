// Reads the bodies of a HAR, from text, base64 or a separate file, and encodes them by Content-Encoding as they were
// sent.
import { type Body, bodyBytes, bodySize, DECODED_LIMIT, decodeBody, encodeBody } from "../../src/flow/body.ts";
import { parseMediaType } from "../../src/flow/content-type.ts";
import { URL_ENCODED } from "../../src/flow/form.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { JsonObject } from "../fields.ts";
import type { PlaceOf } from "../json-cost.ts";
import { decodeBase64 } from "../json-values.ts";
import { LongString } from "../long-string.ts";
import { LEFT_OUT } from "../odd-fields.ts";
import { type Announced, isAnnounced, isBodiless, isCutShort, type MessageHead } from "./announced.ts";
import type { EntryFields } from "./entry-fields.ts";
import { remainder } from "./notes.ts";
import { bytesOfText } from "./text.ts";

/** Bodies in separate files, as Playwright writes them. */
export interface Attachments {
	/** null if the file cannot be read, which is reported. */
	read(name: string): Body;
}

type Coded = Pick<ReadBody, "bytes" | "isCoded">;

export interface ReadBody {
	/** As sent; null: the HAR lacks the body. */
	bytes: Body;
	/** `bytes` was compressed while reading, so its length may differ from the size sent. */
	isCoded: boolean;
	/** Content-Length and all sizes say that the body was longer. */
	isCut?: boolean;
	/** Information in the HAR that neither the bytes nor the headers contain. */
	notes: JsonObject;
	/** `list`: form fields that `bytes` does not contain; `made`: the length of `bytes`, -1 without a body. */
	params?: JsonObject;
}

/** The context for reading bodies. */
export interface BodyContext {
	attachments: Attachments;
	isOfMitmproxy?: boolean;
}

/** Whether a string of an entry is a body or a message. */
export const placeOf: PlaceOf = (path) => {
	const key = path.at(-1);
	return key === "text" || key === "data" ? (PLACES.get(path.join("/")) ?? null) : null;
};

const PLACES = new Map<string, "body" | "message">([
	["request/postData/text", "body"],
	["response/content/text", "body"],
	["_webSocketMessages//data", "message"],
]);

const NOTHING: Coded = { bytes: Buffer.alloc(0), isCoded: false };
const MISSING: Coded = { bytes: null, isCoded: false };

/** The body of a request. */
export function readPostData(
	request: EntryFields,
	headers: Headers,
	context: BodyContext,
	{ method, isUnfinished = false }: MessageHead = {},
): ReadBody {
	const postData = bodyFields(request, "postData");
	const size = request.number("bodySize");
	// Chromium writes the size of the text as that of the body
	const sizes = [lengthOf(headers), size];
	const isLeftOut = size > 0 || ((sizes[0] as number) > 0 && method !== "CONNECT" && !isUnfinished);
	if (postData === null) return { ...(isLeftOut ? MISSING : NOTHING), notes: {} };
	const notes = noted("postData", postData, headers);
	const isText = postData.has("text") && postData.value("text") !== "";
	const isGiven = fileOf(postData) !== null || isText;
	const form = isGiven ? null : formOf(postData, headers, sizes);
	const coded =
		form ??
		(isGiven
			? asSent(postData, headers, sizes, context, true)
			: isLeftOut || isExplained(postData)
				? MISSING
				: NOTHING);
	const params = postData.value("params");
	const isShown = form !== null || params === null || isForm(postData, headers) || Object.keys(params).length === 0;
	if (!isShown && !typeOf(postData, headers).startsWith("multipart/"))
		postData.reportOdd("params", "the fields of a form", "kept beside the body");
	// a multipart body cannot be restored from its fields
	if (!isShown && bodySize(coded.bytes) === 0) return { ...MISSING, notes, params: { list: params, made: -1 } };
	return { ...coded, notes, ...(isShown ? {} : { params: { list: params, made: bodySize(coded.bytes) ?? -1 } }) };
}

function lengthOf(headers: Headers): number {
	const length = headers.get("content-length")?.trim() ?? "";
	return /^\d+$/.test(length) ? Number(length) : -1;
}

/** `postData` or `content`. A string in place of the object is read as its `text`. */
function bodyFields(message: EntryFields, key: string): EntryFields | null {
	const value = message.value(key);
	if (typeof value !== "string") return message.optional(key, (at) => at);
	message.reportOdd(key, "an object", "read as its text");
	return message.nested(key, { text: value });
}

function isForm(postData: EntryFields, headers: Headers): boolean {
	return typeOf(postData, headers) === URL_ENCODED;
}

function typeOf(postData: EntryFields, headers: Headers): string {
	return parseMediaType(headers.get("content-type") ?? postData.text("mimeType")).essence;
}

/** Restores the body of a form from its fields. Some programs list them still encoded, which the body's size shows. */
function formOf(postData: EntryFields, headers: Headers, sizes: readonly number[]): Coded | null {
	if (!isForm(postData, headers) || sizes[0] === 0) return null;
	const pairs = postData.pairs("params");
	if (pairs.length === 0) return null;
	const encoded = new URLSearchParams(pairs).toString();
	const isCoded = pairs.every(([name, value]) => !/[\s&=]|[^!-~]/.test(name) && !/[\s&]|[^!-~]/.test(value));
	const raw = pairs.map(([name, value]) => `${name}=${value}`).join("&");
	const forms = [encoded, ...(isCoded ? [raw] : []), encoded.replaceAll("+", "%20")].flatMap((form) => [
		form,
		form.replace(/=(?=&|$)/g, ""),
	]);
	const [length] = sizes;
	return { bytes: Buffer.from(forms.find((form) => form.length === length) ?? encoded), isCoded: false };
}

/** The body of a response. */
export function readContent(
	response: EntryFields,
	headers: Headers,
	context: BodyContext,
	head: MessageHead = {},
): ReadBody {
	const content = bodyFields(response, "content") ?? response.nested("content", {});
	const size = content.number("size");
	const notes = response.has("content") ? noted("content", content, headers) : {};
	const announced = {
		length: lengthOf(headers),
		size,
		wire: response.number("bodySize"),
		isCoded: headers.has("content-encoding"),
	};
	const isDoubtful = !head.isUnfinished && !isBodiless(head, headers);
	const isEmptyText = content.value("text") === "" && fileOf(content) === null;
	const isLeftOut = isDoubtful && isAnnounced(announced, isEmptyText);
	if (hasBody(content) && !(isEmptyText && isLeftOut)) {
		const coded = asSent(content, headers, [size, size + content.number("compression", 0)], context);
		return { ...coded, ...(isDoubtful && isCut(content, coded, announced) ? { isCut: true } : {}), notes };
	}
	if (size <= 0 && !isExplained(content) && !isLeftOut) return { ...NOTHING, notes };
	// the HAR has only the size of the body
	return { ...MISSING, notes: size > 0 ? { ...notes, size } : notes };
}

function isCut(content: EntryFields, { bytes }: Coded, announced: Announced): boolean {
	const isText = fileOf(content) === null && content.text("encoding").toLowerCase() !== "base64";
	const text = content.value("text");
	const shown = !isText ? null : text instanceof LongString ? text : content.content("text");
	if (bytes === null || !isCutShort(bodySize(bytes) ?? 0, announced, shown)) return false;
	content.reportOdd("text", `a body of ${announced.size} bytes`, `read as cut off after ${bodySize(bytes)} bytes`);
	return true;
}

function hasBody(at: EntryFields): boolean {
	return fileOf(at) !== null || (at.has("text") && !(at.value("text") === "" && isExplained(at)));
}

/** The name of the file with the body; null if there is none. */
function fileOf(at: EntryFields): string | null {
	const file = at.value("_file");
	return typeof file === "string" && file !== "" ? file : null;
}

/** Whether a comment explains why the body is missing, as in HARs of Firefox and Fiddler. */
function isExplained(at: EntryFields): boolean {
	return at.text("comment") !== "";
}

/** Fields of `content` and `postData` that follow neither from the bytes nor from the headers. */
function noted(part: "content" | "postData", at: EntryFields, headers: Headers): JsonObject {
	const mimeType = at.text("mimeType");
	const [comment, text] = [at.value("comment"), at.value("text")];
	return {
		...remainder(part, at.values),
		// without a text, the comment explains why the body is missing
		...(typeof comment === "string" && comment !== "" && text !== "" && text !== null ? { comment } : {}),
		...(mimeType === (headers.get("content-type") ?? "") ? {} : { mimeType }),
	};
}

function asSent(
	at: EntryFields,
	headers: Headers,
	sizes: readonly number[],
	context: BodyContext,
	isRequest = false,
): Coded {
	const file = fileOf(at);
	const long = file === null ? longBody(at, sizes) : context.attachments.read(file);
	if (file !== null && long === null) return MISSING;
	if (long !== null && (at.value("_asSent") === true || !headers.has("content-encoding")))
		return { bytes: long, isCoded: false };
	if (long !== null && (bodySize(long) ?? 0) > DECODED_LIMIT) {
		at.reportOdd("text", `at most ${DECODED_LIMIT} bytes for a body with a Content-Encoding`, LEFT_OUT);
		return MISSING;
	}
	const decoded = long === null ? decodedOf(at, headers, sizes, context, isRequest) : bodyBytes(long);
	const coding = headers.get("content-encoding");
	if (
		decoded === null ||
		decoded.length === 0 ||
		coding === null ||
		at.value("_asSent") === true ||
		isPacked(decoded, coding)
	)
		return { bytes: decoded, isCoded: false };
	return { bytes: encodeBody(decoded, coding) ?? decoded, isCoded: true };
}

/**
 * The bytes of a long text as UTF-8 or base64, where the first of the sizes confirms them, or the text is too long to
 * try other charsets; null for any other text.
 */
function longBody(at: EntryFields, sizes: readonly number[]): Exclude<Body, null> | null {
	const text = at.value("text");
	if (!(text instanceof LongString)) return null;
	const isBase64 = at.text("encoding").toLowerCase() === "base64";
	const body = isBase64 ? text.fromBase64() : text.body;
	if (body !== undefined) return bodySize(body) === sizes[0] || text.size > DECODED_LIMIT ? body : null;
	if (text.size <= DECODED_LIMIT) return null;
	at.reportOdd("text", "base64", "read as plain text");
	return text.body;
}

function decodedOf(
	at: EntryFields,
	headers: Headers,
	sizes: readonly number[],
	{ isOfMitmproxy = false }: BodyContext,
	isRequest: boolean,
): Buffer {
	const text = at.content("text");
	const encoding = at.text("encoding").toLowerCase();
	const isBase64 = encoding === "base64";
	const bytes = isBase64 ? fromBase64(at, text, sizes) : null;
	if (bytes !== null) return bytes;
	const type =
		isBase64 || encoding === "" ? (headers.get("content-type") ?? at.text("mimeType")) : `;charset=${encoding}`;
	return bytesOfText(text, type, sizes, isRequest && isOfMitmproxy ? "latin1" : "utf8");
}

/** Decodes base64; null if the text is not base64, although the HAR says so. */
function fromBase64(at: EntryFields, text: string, sizes: readonly number[]): Buffer | null {
	const bytes = decodeBase64(text);
	if (bytes !== undefined && (sizes.includes(bytes.length) || !sizes.includes(Buffer.byteLength(text)))) return bytes;
	at.reportOdd("text", "base64", "read as plain text");
	return null;
}

/** Whether the bytes are still compressed. Some programs do not decode bodies. */
function isPacked(bytes: Buffer, coding: string): boolean {
	const magic = /gzip/i.test(coding) ? "1f8b08" : /zstd/i.test(coding) ? "28b52ffd" : null;
	if (magic === null || bytes.toString("hex", 0, magic.length / 2) !== magic) return false;
	try {
		decodeBody(bytes, coding);
		return true;
	} catch {
		return false;
	}
}
