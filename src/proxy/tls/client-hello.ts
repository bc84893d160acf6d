// Detects the protocol of a connection by its first bytes, and parses the TLS ClientHello (RFC 8446 section 4.1.2),
// whose server name selects the certificate.
import { TOKEN_CHARACTER } from "../../flow/sendable.ts";

export interface ClientHello {
	/** RFC 6066 section 3; null if the client sends none. */
	serverName: string | null;
	/** RFC 7301, in the client's order. */
	alpn: string[];
}

/** The protocol that the first bytes of a connection belong to. "more": too few bytes to decide. */
export type Sniffed = "more" | "http" | "other" | ClientHello;

/** The type of the TLS record that contains a ClientHello. */
export const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** The type and the length before a handshake message. Bytes. */
const HEADER_BYTES = 4;
/** A ClientHello may span several records, but no client sends one this large. Bytes. */
const HELLO_LIMIT = 64 * 1024;
/**
 * A ClientHello that we cannot parse: still TLS, left to OpenSSL to accept or reject. It must not be tunnelled, since
 * some server might accept it.
 */
const UNREAD: ClientHello = { serverName: null, alpn: [] };

/**
 * Whitespace that lenient servers accept between the parts of a request line: RFC 9112 section 3 lists some, Latin-1
 * has more.
 */
const BLANK = "[\\t\\v\\f\\r \\x1c-\\x1f\\x85\\xa0]";
/** Empty lines before a request are ignored (RFC 9112 section 2.2); lenient servers may ignore whitespace, too. */
const BEFORE_REQUEST = new RegExp(`^(?:${BLANK}|\\n)*`);
/** Bytes of the first line that are examined; the parser refuses longer lines. */
const LINE_LIMIT = 16 * 1024;

/** A method, which can be any token, and the start of a target in origin, absolute or asterisk form. */
const REQUEST = new RegExp(`^${TOKEN_CHARACTER}+${BLANK}+(?:[/*]|https?://)`, "i");
/** A possible incomplete start of such a line. */
const REQUEST_BEGUN = new RegExp(`^${TOKEN_CHARACTER}+(?:${BLANK}+(?:h(?:t(?:t(?:p(?:s?(?::/?)?)?)?)?)?)?)?$`, "i");
/** A method in the usual spelling; the rest of the line then decides. */
const USUAL_METHOD = new RegExp(`^[A-Z][A-Z0-9_-]*${BLANK}`);
/** A line that violates the grammar, but that some servers accept as a request. */
const REQUEST_LINE = new RegExp(`^${TOKEN_CHARACTER}+${BLANK}.*HTTP/[0-9]`, "is");
/** HTTP/0.9 has no version, and only the method GET. */
const OLD_REQUEST_LINE = new RegExp(`^GET${BLANK}+[!-~]`);
/** The start of the HTTP/2 connection preface (RFC 9113 section 3.4). The decision waits until it is complete. */
const PREFACE = "PRI * HTTP/2.0\r\n";

/** Detects the protocol of the first bytes from a client. */
export function sniff(bytes: Buffer): Sniffed {
	if (bytes.length === 0) return "more";
	if (bytes[0] === HANDSHAKE) return sniffHandshake(bytes);
	const odd = sniffOddTls(bytes);
	return odd === null ? sniffHttp(bytes) : odd;
}

function sniffHandshake(bytes: Buffer): Sniffed {
	if (bytes.length > 1 && bytes[1] !== 3) return "other";
	const hello = readHandshake(bytes);
	if (hello === "more") return bytes.length > HELLO_LIMIT ? UNREAD : "more";
	if (hello === "other") return "other";
	return (hello === null ? null : readHello(hello)) ?? UNREAD;
}

/**
 * Detects TLS that begins with another record than a handshake, which some servers tolerate, or with an SSL 2
 * ClientHello. null: neither.
 */
function sniffOddTls(bytes: Buffer): Sniffed | null {
	for (const begins of [isStrayRecord, isOldHello]) {
		const found = begins(bytes);
		if (found !== false) return found === true ? UNREAD : found;
	}
	return null;
}

/** Whether the bytes received so far match this prefix; null matches any byte. */
function matches(bytes: Buffer, form: readonly (number | null)[]): boolean {
	return form.every((byte, at) => byte === null || at >= bytes.length || bytes[at] === byte);
}

/** An alert or ChangeCipherSpec record before the handshake. */
function isStrayRecord(bytes: Buffer): boolean | "more" {
	if (!matches(bytes, [0x15, 3, null, 0, 2]) && !matches(bytes, [0x14, 3, null, 0, 1])) return false;
	return bytes.length >= 5 || "more";
}

/** An SSL 2 ClientHello for a newer version (RFC 5246 appendix E.2), with consistent lengths. */
function isOldHello(bytes: Buffer): boolean | "more" {
	if (((bytes[0] as number) & 0x80) === 0 || !matches(bytes, [null, null, CLIENT_HELLO, 3])) return false;
	if (bytes.length < 11) return "more";
	return (bytes.readUInt16BE(0) & 0x7fff) === 9 + bytes.readUInt16BE(5) + bytes.readUInt16BE(7) + bytes.readUInt16BE(9);
}

function sniffHttp(bytes: Buffer): Sniffed {
	const text = bytes.latin1Slice(0, Math.min(bytes.length, LINE_LIMIT));
	if (text.length < PREFACE.length && PREFACE.startsWith(text)) return "more";
	const start = BEFORE_REQUEST.exec(text)?.[0].length ?? 0;
	if (start === text.length) return start < LINE_LIMIT ? "more" : "http";
	const end = text.indexOf("\n", start);
	const line = text.slice(start, end < 0 ? undefined : end);
	if (REQUEST.test(line)) return "http";
	if (end >= 0) return REQUEST_LINE.test(line) || OLD_REQUEST_LINE.test(line) ? "http" : "other";
	if (!REQUEST_BEGUN.test(line) && !USUAL_METHOD.test(line)) return REQUEST_LINE.test(line) ? "http" : "other";
	return text.length < LINE_LIMIT ? "more" : "http";
}

/**
 * The ClientHello, joined from its records, some of which may be empty. "other": the first message is not a
 * ClientHello; null: a record of another type interrupts it.
 */
function readHandshake(bytes: Buffer): Buffer | "more" | "other" | null {
	const parts: Buffer[] = [];
	let size = 0;
	let whole: number | null = null;
	for (let at = 0; at + 5 <= bytes.length; ) {
		if (bytes[at] !== HANDSHAKE) return null;
		const length = bytes.readUInt16BE(at + 3);
		const part = bytes.subarray(at + 5, at + 5 + length);
		at += 5 + length;
		if (part.length === 0) continue;
		if (size === 0 && part[0] !== CLIENT_HELLO) return "other";
		parts.push(part);
		size += part.length;
		if (size < HEADER_BYTES) continue;
		// Joined once for the length and once for the message: a client may send each byte in a record of its own.
		whole ??= HEADER_BYTES + Buffer.concat(parts).readUIntBE(1, 3);
		if (size >= whole) return Buffer.concat(parts).subarray(HEADER_BYTES, whole);
	}
	return "more";
}

function readHello(hello: Buffer): ClientHello | null {
	try {
		let at = 34; // version, random
		at += 1 + hello.readUInt8(at); // session
		at += 2 + hello.readUInt16BE(at); // cipher suites
		at += 1 + hello.readUInt8(at); // compression
		const found: ClientHello = { serverName: null, alpn: [] };
		if (at === hello.length) return found;
		const end = at + 2 + hello.readUInt16BE(at);
		for (at += 2; at < end; ) {
			const type = hello.readUInt16BE(at);
			const data = hello.subarray(at + 4, at + 4 + hello.readUInt16BE(at + 2));
			at += 4 + data.length;
			if (type === 0) found.serverName = readServerName(data);
			else if (type === 16) found.alpn = readAlpn(data);
		}
		return found;
	} catch (error) {
		if (error instanceof RangeError) return null;
		throw error;
	}
}

function readServerName(data: Buffer): string | null {
	if (data.length < 5 || data[2] !== 0) return null;
	const name = data.latin1Slice(5, 5 + data.readUInt16BE(3));
	return /^[\w.:-]{1,253}$/.test(name) ? name : null;
}

function readAlpn(data: Buffer): string[] {
	const protocols: string[] = [];
	for (let at = 2; at < data.length; at += 1 + data.readUInt8(at))
		protocols.push(data.latin1Slice(at + 1, at + 1 + data.readUInt8(at)));
	return protocols;
}
