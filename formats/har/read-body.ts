// Bodies of a HAR as they were sent: text or base64 or a file beside it, encoded again as Content-Encoding says.
import { decodeBody, encodeBody } from "../../src/flow/body.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { JsonObject } from "../fields.ts";
import type { EntryFields } from "./entry-fields.ts";
import { remainder } from "./notes.ts";
import { bytesOfText } from "./text.ts";

/** Bodies that stand in files of their own, as Playwright has them. */
export interface Attachments {
	/** null: there is no such file, which is reported. */
	read(name: string): Buffer | null;
}

type Coded = Pick<ReadBody, "bytes" | "isCoded">;

export interface ReadBody {
	/** As sent; null: there was one, but it is not in the HAR. */
	bytes: Buffer | null;
	/** The bytes were compressed here, so that another number of them may have been sent. */
	isCoded: boolean;
	/** What the HAR says of it that neither the bytes nor the headers tell. */
	notes: JsonObject;
	/** Fields of a form that the bytes do not show, and how many bytes there were beside them. */
	params?: JsonObject;
}

/** What bodies are read with. */
export interface BodyContext {
	attachments: Attachments;
	isOfMitmproxy?: boolean;
}

const EMPTY: Coded = { bytes: Buffer.alloc(0), isCoded: false };
const MISSING: Coded = { bytes: null, isCoded: false };

/** The body of a request. */
export function readPostData(request: EntryFields, headers: Headers, context: BodyContext): ReadBody {
	const postData = bodyFields(request, "postData");
	const size = request.number("bodySize");
	if (postData === null) return { ...(size > 0 ? MISSING : EMPTY), notes: {} };
	const notes = noted("postData", postData, headers);
	// Chromium takes the size of the text for that of the body
	const sizes = [lengthOf(headers), size];
	const form = fileOf(postData) !== null || (postData.has("text") && postData.value("text") !== "") ? null : formOf(postData, headers, sizes);
	const coded = form ?? (hasBody(postData) ? asSent(postData, headers, sizes, context, true) : size > 0 || isExplained(postData) ? MISSING : EMPTY);
	const params = postData.value("params");
	const isShown = form !== null || params === null || isForm(postData, headers) || Object.keys(params).length === 0;
	if (!isShown && !/multipart/i.test(headers.get("content-type") ?? postData.text("mimeType")))
		postData.odd("params", "the fields of a form", "kept beside the body");
	// a body of several parts cannot be made of its fields again
	if (!isShown && coded.bytes?.length === 0) return { ...MISSING, notes, params: { list: params, made: -1 } };
	return { ...coded, notes, ...(isShown ? {} : { params: { list: params, made: coded.bytes?.length ?? -1 } }) };
}

function lengthOf(headers: Headers): number {
	const length = headers.get("content-length")?.trim() ?? "";
	return /^\d+$/.test(length) ? Number(length) : -1;
}

/** `postData` or `content`; a text in its place is its text. */
function bodyFields(message: EntryFields, key: string): EntryFields | null {
	const value = message.value(key);
	if (typeof value !== "string") return message.optional(key, (at) => at);
	message.odd(key, "an object", "taken as its text");
	return message.nested(key, { text: value });
}

function isForm(postData: EntryFields, headers: Headers): boolean {
	return (headers.get("content-type") ?? postData.text("mimeType")).includes("application/x-www-form-urlencoded");
}

/** The fields of a form, where the body itself was left out. Some programs have them as they were sent, which the number of bytes tells. */
function formOf(postData: EntryFields, headers: Headers, sizes: readonly number[]): Coded | null {
	if (!isForm(postData, headers) || sizes[0] === 0) return null;
	const pairs = postData.pairs("params");
	if (pairs.length === 0) return null;
	const encoded = new URLSearchParams(pairs).toString();
	const isCoded = pairs.every(([name, value]) => !/[\s&=]|[^!-~]/.test(name) && !/[\s&]|[^!-~]/.test(value));
	const raw = pairs.map(([name, value]) => `${name}=${value}`).join("&");
	const forms = [encoded, ...(isCoded ? [raw] : []), encoded.replaceAll("+", "%20")].flatMap((form) => [form, form.replace(/=(?=&|$)/g, "")]);
	const [length] = sizes;
	return { bytes: Buffer.from(forms.find((form) => form.length === length) ?? encoded), isCoded: false };
}

/** The body of a response. */
export function readContent(response: EntryFields, headers: Headers, context: BodyContext): ReadBody {
	const content = bodyFields(response, "content");
	if (content === null) return { ...EMPTY, notes: {} };
	const size = content.number("size");
	const notes = noted("content", content, headers);
	if (hasBody(content)) return { ...asSent(content, headers, [size, size + content.number("compression", 0)], context), notes };
	if (size <= 0 && !isExplained(content)) return { ...EMPTY, notes };
	// how large it was is all that is known of it
	return { ...MISSING, notes: size > 0 ? { ...notes, size } : notes };
}

function hasBody(at: EntryFields): boolean {
	return fileOf(at) !== null || (at.has("text") && !(at.value("text") === "" && isExplained(at)));
}

/** The name of the file with the body. */
function fileOf(at: EntryFields): string | null {
	const file = at.value("_file");
	return typeof file === "string" && file !== "" ? file : null;
}

/** Why a body is not there stands in a comment, as Firefox and Fiddler have it. */
function isExplained(at: EntryFields): boolean {
	return at.text("comment") !== "";
}

/** Fields of `content` and `postData` that neither the bytes nor the headers tell. */
function noted(part: "content" | "postData", at: EntryFields, headers: Headers): JsonObject {
	const mimeType = at.text("mimeType");
	return { ...remainder(part, at.values), ...(mimeType === (headers.get("content-type") ?? "") ? {} : { mimeType }) };
}

function asSent(at: EntryFields, headers: Headers, sizes: readonly number[], context: BodyContext, isRequest = false): Coded {
	const decoded = decodedOf(at, headers, sizes, context, isRequest);
	const coding = headers.get("content-encoding");
	if (decoded === null || decoded.length === 0 || coding === null || at.value("_asSent") === true || isPacked(decoded, coding))
		return { bytes: decoded, isCoded: false };
	return { bytes: encodeBody(decoded, coding) ?? decoded, isCoded: true };
}

function decodedOf(
	at: EntryFields,
	headers: Headers,
	sizes: readonly number[],
	{ attachments, isOfMitmproxy = false }: BodyContext,
	isRequest: boolean,
): Buffer | null {
	const file = fileOf(at);
	if (file !== null) return attachments.read(file);
	const text = at.content("text");
	const encoding = at.text("encoding").toLowerCase();
	const isBase64 = encoding === "base64";
	const bytes = isBase64 ? fromBase64(at, text, sizes) : null;
	if (bytes !== null) return bytes;
	const type = isBase64 || encoding === "" ? (headers.get("content-type") ?? at.text("mimeType")) : `;charset=${encoding}`;
	return bytesOfText(text, type, sizes, isRequest && isOfMitmproxy ? "latin1" : "utf8");
}

/** The bytes; null for a text that is what it is, whatever is said of it. */
function fromBase64(at: EntryFields, text: string, sizes: readonly number[]): Buffer | null {
	const digits = text.replace(/\s+/g, "");
	const bytes = Buffer.from(digits, "base64");
	const length = Buffer.byteLength(text);
	// what is no base64 is passed over in silence
	const isBase64 = bytes.length === Buffer.byteLength(digits, "base64") && /^[\w+/-]*=*$/.test(digits);
	if (isBase64 && (sizes.includes(bytes.length) || !sizes.includes(length))) return bytes;
	at.odd("text", "base64", "taken as it stands");
	return null;
}

/** Whether the bytes are still compressed: some programs leave them so. */
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
