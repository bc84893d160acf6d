// Decides by the sizes in a HAR and in header fields whether the body of a response was left out or cut off.
import { bodyChunks } from "../../src/flow/body.ts";
import type { Headers } from "../../src/flow/headers.ts";
import type { LongString } from "../long-string.ts";

/** The properties that decide whether a message has a body. */
export interface MessageHead {
	method?: string;
	statusCode?: number;
	/** The HAR says that the message was cut off, possibly before its body. */
	isUnfinished?: boolean;
}

/** Sizes in bytes; -1 if unknown. */
export interface Announced {
	/** Content-Length. */
	length: number;
	/** `content.size`: decoded. */
	size: number;
	/** `bodySize`: on the wire. */
	wire: number;
	/** The body has a Content-Encoding, so that its size on the wire differs from that of the text. */
	isCoded: boolean;
}

/** Maximum compressed size of an empty body in bytes: gzip without a file name takes 20. */
const CODED_NOTHING = 64;
/** Bytes of the last chunk of a chunked body. */
const LAST_CHUNK = 5;

/**
 * Whether a response has no body (RFC 9112 section 6.3). Also for redirects, whose bodies browsers do not keep and
 * clients do not read.
 */
export function isBodiless({ method = "GET", statusCode = 200 }: MessageHead, headers: Headers): boolean {
	if (method === "HEAD" || statusCode === 204 || statusCode === 304 || (statusCode >= 100 && statusCode < 200))
		return true;
	if (method === "CONNECT") return statusCode >= 200 && statusCode < 300;
	return statusCode >= 300 && statusCode < 400 && headers.has("location");
}

/**
 * Whether the sizes show that the HAR lacks a body.
 * @param hasText whether the HAR has an empty text, which may be the complete body
 */
export function isAnnounced({ length, size, wire, isCoded }: Announced, hasText: boolean): boolean {
	const least = isCoded && (hasText || size === 0) ? CODED_NOTHING : 0;
	if (size > least) return true;
	if (length >= 0) return length > least;
	// some programs include the header fields in this size
	return !hasText && wire > least + (size === 0 ? LAST_CHUNK : 0);
}

/**
 * Whether a body is shorter than all sizes say. False unless both `size` and `length` are known: one size is not enough
 * evidence.
 * @param text the text from which the body was encoded; null if the HAR has the bytes
 */
export function isCutShort(
	bytes: number,
	{ length, size, wire, isCoded }: Announced,
	text: string | LongString | null,
): boolean {
	const least = Math.min(size, length, wire > 0 ? wire : Number.POSITIVE_INFINITY);
	return !isCoded && bytes > 0 && least > bytes && !(text !== null && isTextOf(size, bytes, text));
}

/**
 * Whether a text may be the complete body of this size: the body may have had a byte order mark or line breaks of two
 * bytes, or may have been UTF-16.
 */
function isTextOf(size: number, bytes: number, text: string | LongString): boolean {
	let [units, breaks, before] = [0, 0, ""];
	const pieces = typeof text === "string" ? [text] : bodyChunks(text.body);
	for (const piece of pieces) {
		// only for counting, so a character may be cut in two
		const part = typeof piece === "string" ? piece : piece.latin1Slice();
		for (let at = part.indexOf("\n"); at !== -1; at = part.indexOf("\n", at + 1))
			if ((at === 0 ? before : part[at - 1]) !== "\r") breaks++;
		units += typeof piece === "string" ? piece.length : unitsIn(piece);
		before = part.at(-1) ?? before;
	}
	return [bytes + 3, bytes + breaks, bytes + breaks + 3, units * 2, units * 2 + 2].includes(size);
}

/** UTF-16 code units of the characters that begin in a piece of UTF-8. */
function unitsIn(piece: Buffer): number {
	let units = 0;
	for (const byte of piece) if ((byte & 0xc0) !== 0x80) units += byte >= 0xf0 ? 2 : 1;
	return units;
}
