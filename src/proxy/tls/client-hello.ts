// The first message of TLS, read before TLS begins (RFC 8446 section 4.1.2): which server the client wants decides which certificate it gets.

export interface ClientHello {
	/** RFC 6066 section 3; null where the client names none. */
	serverName: string | null;
	/** RFC 7301, in the client's order. */
	alpn: string[];
}

/** What the first bytes of a connection are. "more": too few to tell. */
export type Sniffed = "more" | "http" | "other" | ClientHello;

/** What a record of TLS begins with that holds a hello. */
export const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** A hello may span records; no client needs as much as this. */
const HELLO_LIMIT = 64 * 1024;
/** A hello that is not read: TLS all the same, and for OpenSSL to answer or to refuse. What some server takes for a hello must not pass untouched. */
const UNREAD: ClientHello = { serverName: null, alpn: [] };

/** What lenient servers take for blanks between the parts of a request: RFC 9112 section 3 names some, and Unicode in Latin-1 has more. */
const BLANK = "[\\t\\v\\f\\r \\x1c-\\x1f\\x85\\xa0]";
/** Empty lines before a request are ignored (RFC 9112 section 2.2); blanks are what a lenient server may ignore, too. */
const BEFORE_REQUEST = new RegExp(`^(?:${BLANK}|\\n)*`);
/** So much of the first line is looked at; a line that is longer is left to the parser, which knows how to refuse it. */
const LINE_LIMIT = 16 * 1024;

// token of RFC 9110 section 5.6.2, as a character class: every token is a method
const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]";
/** A method, and the beginning of a target in origin, absolute or asterisk form. */
const REQUEST = new RegExp(`^${TOKEN}+${BLANK}+(?:[/*]|https?://)`, "i");
/** What may still become one. */
const REQUEST_BEGUN = new RegExp(`^${TOKEN}+(?:${BLANK}+(?:h(?:t(?:t(?:p(?:s?(?::/?)?)?)?)?)?)?)?$`, "i");
/** A method as they are usually written: whatever is behind it, the end of the line decides. */
const USUAL_METHOD = new RegExp(`^[A-Z][A-Z0-9_-]*${BLANK}`);
/** A line that some server takes for a request, although it breaks the grammar. */
const REQUEST_LINE = new RegExp(`^${TOKEN}+${BLANK}.*HTTP/[0-9]`, "is");
/** HTTP/0.9 names no version, and has one method. */
const OLD_REQUEST_LINE = new RegExp(`^GET${BLANK}+[!-~]`);
/** What HTTP/2 begins with (RFC 9113 section 3.4): whoever reads it wants all of it at once. */
const PREFACE = "PRI * HTTP/2.0\r\n";

/** Looks at the bytes that a client sent first. */
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

/** TLS that begins with another record than a handshake, which some servers bear with, or in the form of SSL 2, which they read. null: neither. */
function sniffOddTls(bytes: Buffer): Sniffed | null {
	for (const begins of [isWarning, isOldHello]) {
		const found = begins(bytes);
		if (found !== false) return found === true ? UNREAD : found;
	}
	return null;
}

/** Whether bytes begin with these, as far as they have come; null stands for any. */
function matches(bytes: Buffer, form: readonly (number | null)[]): boolean {
	return form.every((byte, at) => byte === null || at >= bytes.length || bytes[at] === byte);
}

/** An alert, or a change of the cipher, before there is anything to warn of. */
function isWarning(bytes: Buffer): boolean | "more" {
	if (!matches(bytes, [0x15, 3, null, 0, 2]) && !matches(bytes, [0x14, 3, null, 0, 1])) return false;
	return bytes.length >= 5 || "more";
}

/** A hello in the form of SSL 2 for a newer version (RFC 5246 appendix E.2): its lengths fit together. */
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

/** The hello out of its records, of which some may be empty. "other": they hold none; null: what has begun as one does not go on. */
function readHandshake(bytes: Buffer): Buffer | "more" | "other" | null {
	const parts: Buffer[] = [];
	let size = 0;
	for (let at = 0; at + 5 <= bytes.length; ) {
		if (bytes[at] !== HANDSHAKE) return null;
		const length = bytes.readUInt16BE(at + 3);
		const part = bytes.subarray(at + 5, at + 5 + length);
		at += 5 + length;
		if (part.length === 0) continue;
		if (size === 0 && part[0] !== CLIENT_HELLO) return "other";
		parts.push(part);
		size += part.length;
		if (size < 4) continue;
		const whole = Buffer.concat(parts);
		const wanted = whole.readUIntBE(1, 3);
		if (size >= 4 + wanted) return whole.subarray(4, 4 + wanted);
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
	for (let at = 2; at < data.length; at += 1 + data.readUInt8(at)) protocols.push(data.latin1Slice(at + 1, at + 1 + data.readUInt8(at)));
	return protocols;
}
