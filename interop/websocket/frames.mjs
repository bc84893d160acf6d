// Creates valid and invalid frames of RFC 6455, and reads frames.

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

/** The bytes of a frame. The options can make it invalid. `payload` is text or bytes. */
export function frame(opcode, payload = "", { fin = true, rsv = 0, isMasked = true } = {}) {
	const body = Buffer.from(payload);
	const length = body.length < 126 ? Buffer.of(body.length) : body.length < 65536 ? Buffer.alloc(3) : Buffer.alloc(9);
	if (length.length === 3) {
		length[0] = 126;
		length.writeUInt16BE(body.length, 1);
	} else if (length.length === 9) {
		length[0] = 127;
		length.writeBigUInt64BE(BigInt(body.length), 1);
	}
	const head = Buffer.concat([Buffer.of((fin ? 0x80 : 0) | (rsv << 4) | opcode), length]);
	if (!isMasked) return Buffer.concat([head, body]);
	head[1] |= 0x80;
	const mask = Buffer.of(1, 2, 3, 4);
	return Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index & 3])]);
}

/** A Close frame with a code, followed by a reason. */
export function close(code, reason = "", options = {}) {
	return frame(CLOSE, Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)]), options);
}

/** Reads frames from bytes that arrive in chunks. Joins the fragments of messages. */
export class FrameReader {
	#rest = Buffer.alloc(0);
	#parts = [];
	/** Messages, pings and pongs in order of arrival: `text:…`, `binary:BASE64`, `ping:…`, `pong:…`. */
	messages = [];
	/** The code of the first Close frame; 1005 if the frame has none; null before the first one. */
	closeCode = null;

	push(bytes) {
		this.#rest = Buffer.concat([this.#rest, bytes]);
		for (let size = this.#take(); size > 0; size = this.#take()) this.#rest = this.#rest.subarray(size);
	}

	/** Processes the first frame of the buffered bytes. Returns its length; 0 if it is incomplete. */
	#take() {
		const rest = this.#rest;
		if (rest.length < 2) return 0;
		const short = rest[1] & 127;
		let start = short === 127 ? 10 : short === 126 ? 4 : 2;
		if (rest.length < start) return 0;
		const length = short === 127 ? Number(rest.readBigUInt64BE(2)) : short === 126 ? rest.readUInt16BE(2) : short;
		const isMasked = rest[1] >= 128;
		if (isMasked) start += 4;
		if (rest.length < start + length) return 0;
		const payload = rest.subarray(start, start + length);
		const mask = rest.subarray(start - 4, start);
		this.#read(rest[0], isMasked ? payload.map((byte, index) => byte ^ mask[index & 3]) : payload);
		return start + length;
	}

	#read(first, payload) {
		const opcode = first & 15;
		if (opcode === CLOSE) this.closeCode ??= payload.length < 2 ? 1005 : payload.readUInt16BE(0);
		else if (opcode === PING || opcode === PONG)
			this.messages.push(`${opcode === PING ? "ping" : "pong"}:${payload.toString("latin1")}`);
		else {
			this.#parts.push([opcode, payload]);
			if (first < 128) return;
			const whole = Buffer.concat(this.#parts.map(([, part]) => part));
			this.messages.push(this.#parts[0][0] === TEXT ? `text:${whole}` : `binary:${whole.toString("base64")}`);
			this.#parts = [];
		}
	}
}
