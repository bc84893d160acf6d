// Bodies of a HAR as they were sent: text or base64 or a file beside it, encoded again as Content-Encoding says.
import { decodeBody, encodeBody } from "../../src/flow/body.ts";
import type { Headers } from "../../src/flow/headers.ts";
import { type Fields, type JsonObject, wrong } from "../fields.ts";
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
}

const EMPTY: Coded = { bytes: Buffer.alloc(0), isCoded: false };
const MISSING: Coded = { bytes: null, isCoded: false };

/** The body of a request. */
export function readPostData(request: Fields, headers: Headers, attachments: Attachments): ReadBody {
	const postData = request.optional("postData", (at) => at);
	const size = request.number("bodySize", -1);
	if (postData === null) return { ...(size > 0 ? MISSING : EMPTY), notes: {} };
	const notes = noted("postData", postData, headers);
	// Chromium takes the size of the text for that of the body
	if (hasBody(postData)) return { ...asSent(postData, headers, [Number(headers.get("content-length") ?? -1), size], attachments), notes };
	return { ...(formOf(postData, headers) ?? (size > 0 || isExplained(postData) ? MISSING : EMPTY)), notes };
}

/** The fields of a form, where the body itself was left out. */
function formOf(postData: Fields, headers: Headers): Coded | null {
	const type = headers.get("content-type") ?? postData.text("mimeType", "");
	const pairs = postData.list("params", (at): [string, string] => [at.text("name", ""), at.text("value", "")]);
	if (pairs.length === 0 || !type.includes("application/x-www-form-urlencoded")) return null;
	return { bytes: Buffer.from(new URLSearchParams(pairs).toString()), isCoded: false };
}

/** The body of a response. */
export function readContent(response: Fields, headers: Headers, attachments: Attachments): ReadBody {
	const content = response.optional("content", (at) => at);
	if (content === null) return { ...EMPTY, notes: {} };
	const size = content.number("size", -1);
	const notes = noted("content", content, headers);
	if (hasBody(content)) return { ...asSent(content, headers, [size, size + content.number("compression", 0)], attachments), notes };
	if (size <= 0 && !isExplained(content)) return { ...EMPTY, notes };
	// how large it was is all that is known of it
	return { ...MISSING, notes: size > 0 ? { ...notes, size } : notes };
}

function hasBody(at: Fields): boolean {
	return at.has("_file") || (at.has("text") && !(at.value("text") === "" && isExplained(at)));
}

/** Why a body is not there stands in a comment, as Firefox and Fiddler have it. */
function isExplained(at: Fields): boolean {
	return at.text("comment", "") !== "";
}

/** Fields of `content` and `postData` that neither the bytes nor the headers tell. */
function noted(part: "content" | "postData", at: Fields, headers: Headers): JsonObject {
	const mimeType = at.text("mimeType", "");
	return { ...remainder(part, at.values), ...(mimeType === (headers.get("content-type") ?? "") ? {} : { mimeType }) };
}

function asSent(at: Fields, headers: Headers, sizes: readonly number[], attachments: Attachments): Coded {
	const decoded = decodedOf(at, headers, sizes, attachments);
	const coding = headers.get("content-encoding");
	if (decoded === null || decoded.length === 0 || coding === null || at.value("_asSent") === true || isPacked(decoded, coding))
		return { bytes: decoded, isCoded: false };
	return { bytes: encodeBody(decoded, coding) ?? decoded, isCoded: true };
}

function decodedOf(at: Fields, headers: Headers, sizes: readonly number[], attachments: Attachments): Buffer | null {
	if (at.has("_file")) return attachments.read(at.text("_file"));
	const encoding = at.text("encoding", "").toLowerCase();
	if (encoding === "base64") return fromBase64(at);
	return bytesOfText(at.text("text"), encoding === "" ? (headers.get("content-type") ?? at.text("mimeType", "")) : `;charset=${encoding}`, sizes);
}

function fromBase64(at: Fields): Buffer {
	const text = at.text("text").replace(/\s+/g, "");
	const bytes = Buffer.from(text, "base64");
	// what is no base64 is passed over in silence
	if (bytes.length !== Buffer.byteLength(text, "base64")) throw wrong(`${at.path}text`, "base64", at.value("text"));
	return bytes;
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
