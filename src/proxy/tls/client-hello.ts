// Detects the protocol of a connection by its first bytes, and parses the TLS ClientHello (RFC 8446 section 4.1.2),
// whose server name selects the certificate.
import { NO_BYTES } from "../../flow/bytes.ts";
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
/** Parts of a request that may be of any length, and therefore incomplete. */
const EMPTY_LINES = new RegExp(`^(?:${BLANK}|\\n)*$`);
const TOKEN_PART = new RegExp(`^${TOKEN_CHARACTER}*$`);
const BLANK_PART = new RegExp(`^${BLANK}*$`);
const LINE_PART = /^[^\n]*$/;
/** The start of the HTTP/2 connection preface (RFC 9113 section 3.4). The decision waits until it is complete. */
const PREFACE = "PRI * HTTP/2.0\r\n";

/**
 * Detects the protocol of a connection by its first bytes, which it holds. What has been read is not read again with
 * each chunk: a client may send its bytes one by one.
 */
export class Sniffer {
	/** All bytes so far. */
	bytes: Buffer = NO_BYTES;
	found: Sniffed = "more";
	/** The memory of `bytes`, which may be larger. */
	#room: Buffer = NO_BYTES;
	readonly #handshake = new HandshakeReader();
	/** The part of a request that the bytes end in: more bytes of it decide nothing. null: unknown. */
	#undecided: RegExp | null = null;

	add(chunk: Buffer): Sniffed {
		this.#append(chunk);
		if (this.found === "more") this.found = this.#sniff(chunk);
		return this.found;
	}

	#append(chunk: Buffer): void {
		const { length } = this.bytes;
		const size = length + chunk.length;
		if (length === 0) this.bytes = chunk;
		else {
			if (size > this.#room.length) {
				this.#room = Buffer.allocUnsafe(2 * size);
				this.#room.set(this.bytes);
			}
			this.#room.set(chunk, length);
			this.bytes = this.#room.subarray(0, size);
		}
	}

	#sniff(chunk: Buffer): Sniffed {
		if (this.bytes.length === 0) return "more";
		if (this.bytes[0] === HANDSHAKE) return this.#sniffHandshake();
		const odd = sniffOddTls(this.bytes);
		return odd === null ? this.#sniffHttp(chunk) : odd;
	}

	#sniffHandshake(): Sniffed {
		if (this.bytes.length > 1 && this.bytes[1] !== 3) return "other";
		const hello = this.#handshake.read(this.bytes);
		if (hello === "more") return this.bytes.length > HELLO_LIMIT ? UNREAD : "more";
		if (hello === "other") return "other";
		return (hello === null ? null : readHello(hello)) ?? UNREAD;
	}

	#sniffHttp(chunk: Buffer): Sniffed {
		const isLong = this.bytes.length >= LINE_LIMIT;
		if (!isLong && this.#undecided?.test(chunk.latin1Slice())) return "more";
		this.#undecided = null;
		const text = this.bytes.latin1Slice(0, Math.min(this.bytes.length, LINE_LIMIT));
		if (text.length < PREFACE.length && PREFACE.startsWith(text)) return "more";
		const start = BEFORE_REQUEST.exec(text)?.[0].length ?? 0;
		const end = text.indexOf("\n", start);
		const line = text.slice(start, end < 0 ? undefined : end);
		if (REQUEST.test(line)) return "http";
		if (end >= 0) return REQUEST_LINE.test(line) || OLD_REQUEST_LINE.test(line) ? "http" : "other";
		const isBegun = line === "" || REQUEST_BEGUN.test(line);
		if (!isBegun && !USUAL_METHOD.test(line)) return REQUEST_LINE.test(line) ? "http" : "other";
		if (isLong) return "http";
		this.#undecided = isBegun ? partAtEnd(line) : LINE_PART;
		return "more";
	}
}

/** The part that the possible start of a request ends in; null: one of a few bytes. */
function partAtEnd(line: string): RegExp | null {
	if (line === "") return EMPTY_LINES;
	if (TOKEN_PART.test(line)) return TOKEN_PART;
	return BLANK_PART.test(line.slice(-1)) ? BLANK_PART : null;
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

/** Joins a ClientHello from its records, some of which may be empty. */
class HandshakeReader {
	/** The position of the first record that was not complete. */
	#at = 0;
	/** Bytes of the message in the records before it. */
	#size = 0;
	/** The size of the message with its header; null: not known yet. */
	#whole: number | null = null;

	/**
	 * Continues with the records that are new in `bytes`. "other": the first message is not a ClientHello; null: a record
	 * of another type interrupts it.
	 */
	read(bytes: Buffer): Buffer | "more" | "other" | null {
		while (this.#at + 5 <= bytes.length) {
			if (bytes[this.#at] !== HANDSHAKE) return null;
			const end = this.#at + 5 + bytes.readUInt16BE(this.#at + 3);
			const part = bytes.subarray(this.#at + 5, end);
			if (this.#size === 0 && part.length > 0 && part[0] !== CLIENT_HELLO) return "other";
			const size = this.#size + part.length;
			if (size >= HEADER_BYTES) this.#whole ??= HEADER_BYTES + joinRecords(bytes).readUIntBE(1, 3);
			if (this.#whole !== null && size >= this.#whole) return joinRecords(bytes).subarray(HEADER_BYTES, this.#whole);
			if (end > bytes.length) break;
			this.#at = end;
			this.#size = size;
		}
		return "more";
	}
}

/** The content of the records of a handshake. The last one may be incomplete. */
function joinRecords(bytes: Buffer): Buffer {
	const parts: Buffer[] = [];
	for (let at = 0; at + 5 <= bytes.length && bytes[at] === HANDSHAKE; ) {
		const end = at + 5 + bytes.readUInt16BE(at + 3);
		parts.push(bytes.subarray(at + 5, end));
		at = end;
	}
	return Buffer.concat(parts);
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
