// The first message of TLS, read before TLS begins (RFC 8446 section 4.1.2): which server the client wants decides which certificate it gets.

export interface ClientHello {
	/** RFC 6066 section 3; null where the client names none. */
	serverName: string | null;
	/** RFC 7301, in the client's order. */
	alpn: string[];
}

/** What the first bytes of a connection are. "more": too few to tell. */
export type Sniffed = "more" | "http" | "other" | ClientHello;

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
/** A hello may span records; no client needs as much as this. */
const HELLO_LIMIT = 64 * 1024;

/** Methods are in capitals; one that is not is told from the words of other protocols by the target behind it. */
const REQUEST = /^(?:[A-Z][A-Z-]{2,19} |[A-Za-z][A-Za-z-]{2,19} [/*])/;
const REQUEST_BEGUN = /^[A-Za-z](?:[A-Za-z-]{0,19}|[A-Za-z-]{2,19} )$/;

/** Looks at the bytes that a client sent first. */
export function sniff(bytes: Buffer): Sniffed {
	if (bytes.length === 0) return "more";
	if (bytes[0] !== HANDSHAKE) return sniffHttp(bytes);
	if (bytes.length > 1 && bytes[1] !== 3) return "other";
	if (bytes.length < 6) return "more";
	if (bytes[5] !== CLIENT_HELLO) return "other";
	const hello = readHandshake(bytes);
	if (hello === "more") return bytes.length > HELLO_LIMIT ? "other" : "more";
	return hello === null ? "other" : (readHello(hello) ?? "other");
}

function sniffHttp(bytes: Buffer): Sniffed {
	const head = bytes.latin1Slice(0, Math.min(bytes.length, 22));
	if (REQUEST.test(head)) return "http";
	return REQUEST_BEGUN.test(head) ? "more" : "other";
}

/** The hello out of its records; null where they are none. */
function readHandshake(bytes: Buffer): Buffer | "more" | null {
	const parts: Buffer[] = [];
	let size = 0;
	for (let at = 0; at + 5 <= bytes.length; ) {
		if (bytes[at] !== HANDSHAKE) return null;
		const length = bytes.readUInt16BE(at + 3);
		const part = bytes.subarray(at + 5, at + 5 + length);
		parts.push(part);
		size += part.length;
		at += 5 + length;
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
