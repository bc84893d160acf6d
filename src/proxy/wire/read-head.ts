// Parses heads (RFC 9112 sections 3 to 5). One anchored, unambiguous regular expression checks the whole head; of the
// checks that were measured, it is the fastest. A head that passes is split at spaces, colons and line ends without
// further checks.
import type { ByteString } from "../../flow/bytes.ts";
import { isToken, TOKEN_CHARACTER } from "../../flow/sendable.ts";
import { protocolFault } from "./fault.ts";
import type { RequestHead, ResponseHead } from "./head.ts";

export interface HeadLimits {
	/** Most bytes in a head, including its empty line. Default: 262144. */
	readonly headBytes: number;
	/** Most field lines in a head or in trailers. Default: 2000. */
	readonly fieldCount: number;
	/**
	 * Whether to accept heads that violate the grammar but can have only one meaning: names that are not tokens, control
	 * characters other than NUL, CR and LF in values, folded lines, and the cases listed at `requestFraming`. Default:
	 * false.
	 */
	readonly lenient: boolean;
}

const FIELD_LINE = `${TOKEN_CHARACTER}+:[\\t -~\\x80-\\xff]*\\r?\\n`;
const REQUEST_LINE = `${TOKEN_CHARACTER}+ [!-~\\x80-\\xff]+ HTTP/1\\.[0-9]\\r?\\n`;
const STATUS_LINE = "HTTP/1\\.[0-9] [1-9][0-9][0-9](?: [\\t -~\\x80-\\xff]*)?\\r?\\n";

const RESPONSE_HEAD = "response head";

const plainRequest = new RegExp(`^${REQUEST_LINE}(?:${FIELD_LINE})*$`);
const plainResponse = new RegExp(`^${STATUS_LINE}(?:${FIELD_LINE})*$`);
const plainFields = new RegExp(`^(?:${FIELD_LINE})*$`);
const requestLine = new RegExp(`^${REQUEST_LINE}`);
const statusLine = new RegExp(`^${STATUS_LINE}`);

/**
 * Parses a request head. `text`: the head up to its last line end, without the empty line.
 * @throws FlowtapeError FT_PROTOCOL
 */
export function readRequestHead(text: ByteString, limits: HeadLimits): RequestHead {
	const isPlain = plainRequest.test(text);
	const lineEnd = text.indexOf("\n");
	if (!isPlain && !requestLine.test(text))
		throw protocolFault("request line", '"method target HTTP/1.1"', trimLine(text.slice(0, lineEnd)));
	const stop = beforeLineEnd(text, lineEnd);
	const blank = text.indexOf(" ");
	return {
		method: text.slice(0, blank),
		target: text.slice(blank + 1, stop - 9),
		version: versionAt(text, stop - 8),
		fields: (isPlain ? cutFields : readOddFields)(text, lineEnd + 1, "request head", limits),
	};
}

/** As `readRequestHead`, for a response. The reason may be missing together with the space before it. */
export function readResponseHead(text: ByteString, limits: HeadLimits): ResponseHead {
	const isPlain = plainResponse.test(text);
	const lineEnd = text.indexOf("\n");
	if (!isPlain && !statusLine.test(text))
		throw protocolFault("status line", '"HTTP/1.1 status reason"', trimLine(text.slice(0, lineEnd)));
	return {
		version: versionAt(text, 0),
		status: (text.charCodeAt(9) - 48) * 100 + (text.charCodeAt(10) - 48) * 10 + (text.charCodeAt(11) - 48),
		reason: text.slice(13, beforeLineEnd(text, lineEnd)),
		fields: (isPlain ? cutFields : readOddFields)(text, lineEnd + 1, RESPONSE_HEAD, limits),
	};
}

/**
 * Parses trailer fields (RFC 9112 section 7.1.2). `text`: the lines up to the last line end, without the empty line.
 * @throws FlowtapeError FT_PROTOCOL
 */
export function readTrailers(text: ByteString, limits: HeadLimits): ByteString[] {
	const fields = (plainFields.test(text) ? cutFields : readOddFields)(text, 0, "trailers", limits);
	if (limits.lenient) return fields;
	for (let i = 0; i < fields.length; i += 2) {
		// RFC 9110 section 6.5.1: merged into the head, these fields would change where the message ends.
		if (isSizing(fields[i] as ByteString))
			throw protocolFault("trailers", "no field that delimits the message", fields[i] as ByteString);
	}
	return fields;
}

function versionAt(text: ByteString, at: number): ByteString {
	const minor = text.charCodeAt(at + 7);
	return minor === 49 ? "HTTP/1.1" : minor === 48 ? "HTTP/1.0" : text.slice(at, at + 8);
}

function beforeLineEnd(text: ByteString, lineEnd: number): number {
	return text.charCodeAt(lineEnd - 1) === 13 ? lineEnd - 1 : lineEnd;
}

function trimLine(line: ByteString): ByteString {
	return line.endsWith("\r") ? line.slice(0, -1) : line;
}

/** The field lines from `at`, which are already checked. */
function cutFields(text: ByteString, at: number, where: string, limits: HeadLimits): ByteString[] {
	const fields: ByteString[] = [];
	const { length } = text;
	while (at < length) {
		const lineEnd = text.indexOf("\n", at);
		const colon = text.indexOf(":", at);
		fields.push(text.slice(at, colon), trimBlanks(text, colon + 1, beforeLineEnd(text, lineEnd)));
		at = lineEnd + 1;
	}
	if (fields.length > 2 * limits.fieldCount) throw tooMany(where, limits);
	return fields;
}

/** Reads field lines one by one. Throws the error for the first invalid line, unless `lenient` accepts it. */
function readOddFields(text: ByteString, at: number, where: string, limits: HeadLimits): ByteString[] {
	const fields: ByteString[] = [];
	for (const line of text.slice(at).split("\n").slice(0, -1)) {
		const bare = trimLine(line);
		if (isBlank(bare.charCodeAt(0))) unfold(fields, bare, where, limits);
		else readOddField(fields, bare, where, limits);
		if (fields.length > 2 * limits.fieldCount) throw tooMany(where, limits);
	}
	return fields;
}

function readOddField(fields: ByteString[], line: ByteString, where: string, { lenient }: HeadLimits): void {
	const colon = line.indexOf(":");
	if (colon < 0) throw protocolFault(where, '"name: value"', line);
	// RFC 9112 section 5.1: whitespace before the colon is removed in a response and rejected in a request.
	const name = where === RESPONSE_HEAD ? trimBlanks(line, 0, colon) : line.slice(0, colon);
	if (!isToken(name) && (!lenient || isDoubtful(name)))
		throw protocolFault(where, "a field name of letters, digits and - _ . before the colon", line);
	checkValue(line.slice(colon + 1), line, where, lenient);
	fields.push(name, trimBlanks(line.slice(colon + 1)));
}

/** Appends a continuation line (obs-fold) with a space, or rejects it (RFC 9112 section 5.2). */
function unfold(fields: ByteString[], line: ByteString, where: string, { lenient }: HeadLimits): void {
	if (!lenient || fields.length === 0 || isSizing(fields[fields.length - 2] as ByteString))
		throw protocolFault(where, "a field name at the start of the line", line);
	checkValue(line, line, where, lenient);
	const more = trimBlanks(line);
	if (more !== "") fields[fields.length - 1] = `${fields[fields.length - 1]} ${more}`;
}

function checkValue(value: ByteString, line: ByteString, where: string, lenient: boolean): void {
	if (lenient ? hasNulOrCr(value) : /[^\t -~\x80-\xff]/.test(value))
		throw protocolFault(where, "a value without control characters", line);
}

/**
 * Whether another parser might read this name as Content-Length or Transfer-Encoding, or might find a line end in it.
 */
function isDoubtful(name: ByteString): boolean {
	return name === "" || hasNulOrCr(name) || isSizing(name.replace(/[^A-Za-z-]/g, ""));
}

function hasNulOrCr(bytes: ByteString): boolean {
	return bytes.includes("\0") || bytes.includes("\r");
}

function isSizing(name: ByteString): boolean {
	return /^(?:content-length|transfer-encoding)$/i.test(name);
}

/**
 * Removes spaces and tabs at both ends. A regular expression could take quadratic time if there are many blanks inside.
 */
export function trimBlanks(bytes: ByteString, from = 0, to = bytes.length): ByteString {
	let start = from;
	let stop = to;
	while (start < stop && isBlank(bytes.charCodeAt(start))) start++;
	while (stop > start && isBlank(bytes.charCodeAt(stop - 1))) stop--;
	return bytes.slice(start, stop);
}

function isBlank(char: number): boolean {
	return char === 32 || char === 9;
}

function tooMany(where: string, { fieldCount }: HeadLimits): Error {
	return protocolFault(where, `at most ${fieldCount} fields`, "more");
}
