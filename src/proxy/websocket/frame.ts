// Parses and writes WebSocket frames (RFC 6455 section 5). It uses no sockets: the caller feeds bytes, and a handler
// receives the payloads.
import { isUtf8 } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { SLICE_BYTES } from "../../flow/body.ts";
import { NO_BYTES } from "../../flow/bytes.ts";
import { protocolFault } from "../wire/fault.ts";

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

export interface FrameHead {
	/** Whether it is the last frame of its message. */
	fin: boolean;
	/** The first reserved bit, which marks a message as compressed (RFC 7692 section 6). */
	rsv1: boolean;
	opcode: number;
	/** Bytes of the payload. */
	length: number;
	mask: Buffer | null;
}

/** Close codes (RFC 6455 section 7.4.1). */
export const PROTOCOL_ERROR = 1002;
export const INVALID_DATA = 1007;
export const TOO_BIG = 1009;
export const INTERNAL_ERROR = 1011;

/** Close codes that no frame may carry, and that stand for the absence of a code or of the whole frame. */
export const NO_STATUS = 1005;
export const ABNORMAL_CLOSURE = 1006;

/** The close code to send for an error (RFC 6455 section 7.1.7). */
export function closeCodeOf(error: FlowtapeError): number {
	if (error instanceof WebSocketFault) return error.closeCode;
	if (error.code === "FT_IO") return INTERNAL_ERROR;
	if (error.code !== "FT_BAD_BODY") return PROTOCOL_ERROR;
	return hasErrno(error.cause, "ERR_BUFFER_TOO_LARGE") ? TOO_BIG : INVALID_DATA;
}

/** An error with a close code other than PROTOCOL_ERROR. */
export class WebSocketFault extends FlowtapeError {
	readonly closeCode: number;

	constructor(closeCode: number, message: string) {
		super("FT_PROTOCOL", message);
		this.closeCode = closeCode;
	}
}

/** The payload of a close frame, at most 125 bytes: a longer reason is cut between two characters. */
export function closePayload(code: number, reason: string): Buffer {
	let text = Buffer.from(reason).subarray(0, 123);
	while (!isUtf8(text)) text = text.subarray(0, -1);
	const payload = Buffer.alloc(2 + text.length);
	payload.writeUInt16BE(code);
	payload.set(text, 2);
	return payload;
}

/**
 * Whether a close frame may have this code. Other codes are unknown or reserved (RFC 6455 section 7.4, and IANA's
 * list).
 */
export function isCloseCode(code: number): boolean {
	return (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006));
}

export interface FrameHandler {
	/**
	 * Called with each unmasked piece of the payload. `last`: the piece ends the frame. A frame without payload has one
	 * empty piece.
	 */
	piece(head: FrameHead, payload: Buffer, last: boolean): void;
}

const LONGEST_HEAD = 14;

export class FrameReader {
	readonly #handler: FrameHandler;
	/** The bytes of an incomplete head. */
	readonly #bytes = Buffer.alloc(LONGEST_HEAD);
	#have = 0;
	#head: FrameHead | null = null;
	/** Bytes of the payload so far. */
	#at = 0;

	constructor(handler: FrameHandler) {
		this.#handler = handler;
	}

	/** Whether it is between two frames. */
	get idle(): boolean {
		return this.#have === 0 && this.#head === null;
	}

	/**
	 * Parses bytes from the peer.
	 * @throws FlowtapeError FT_PROTOCOL; do not feed more bytes after it
	 */
	feed(chunk: Buffer): void {
		for (let at = 0; at < chunk.length; )
			at = this.#head === null ? this.#readHead(chunk, at) : this.#readPayload(this.#head, chunk, at);
	}

	#readHead(chunk: Buffer, from: number): number {
		let at = from;
		while (this.#have < this.#wanted() && at < chunk.length) this.#bytes[this.#have++] = chunk[at++] as number;
		if (this.#have < this.#wanted()) return at;
		const head = parseHead(this.#bytes);
		this.#have = 0;
		this.#at = 0;
		if (head.length === 0) this.#handler.piece(head, NO_BYTES, true);
		else this.#head = head;
		return at;
	}

	/** The length of the head, as far as the bytes so far determine it. */
	#wanted(): number {
		if (this.#have < 2) return 2;
		const second = this.#bytes[1] as number;
		const size = second & 0x7f;
		return 2 + (size === 126 ? 2 : size === 127 ? 8 : 0) + (second & 0x80 ? 4 : 0);
	}

	#readPayload(head: FrameHead, chunk: Buffer, at: number): number {
		const end = Math.min(chunk.length, at + head.length - this.#at);
		const bytes = chunk.subarray(at, end);
		const payload = head.mask === null ? bytes : masked(bytes, head.mask, this.#at);
		this.#at += bytes.length;
		const last = this.#at === head.length;
		if (last) this.#head = null;
		this.#handler.piece(head, payload, last);
		return end;
	}
}

function parseHead(bytes: Buffer): FrameHead {
	const first = bytes[0] as number;
	const second = bytes[1] as number;
	const opcode = first & 15;
	const short = second & 0x7f;
	const fin = (first & 0x80) !== 0;
	if (first & 0x30 || (opcode > BINARY && opcode < CLOSE) || opcode > PONG)
		throw protocolFault("WebSocket frame", "a known opcode without reserved bits", `0x${first.toString(16)}`);
	if (opcode >= CLOSE && (!fin || short > 125))
		throw protocolFault("WebSocket control frame", "one frame of at most 125 bytes", "more");
	const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
	if (!Number.isSafeInteger(length))
		throw protocolFault("WebSocket frame", "a length that can be counted", String(length));
	const maskAt = short === 126 ? 4 : short === 127 ? 10 : 2;
	return {
		fin,
		rsv1: (first & 0x40) !== 0,
		opcode,
		length,
		mask: second & 0x80 ? Buffer.from(bytes.subarray(maskAt, maskAt + 4)) : null,
	};
}

/** From this size on, masking four bytes at a time is faster. Bytes. */
const WORDS_FROM = 64;

/** A masked copy; masking it again returns the original. `offset`: of the first byte in its frame. */
function masked(bytes: Buffer, mask: Buffer, offset: number): Buffer {
	const { length } = bytes;
	if (length < WORDS_FROM) {
		const copy = Buffer.allocUnsafe(length);
		for (let i = 0; i < length; i++) copy[i] = (bytes[i] as number) ^ (mask[(offset + i) & 3] as number);
		return copy;
	}
	const words = new Uint32Array(Math.ceil(length / 4));
	const copy = Buffer.from(words.buffer, 0, length);
	copy.set(bytes);
	const key = new Uint32Array(
		Uint8Array.from([0, 1, 2, 3], (i) => mask[(offset + i) & 3] as number).buffer,
	)[0] as number;
	for (let i = 0; i < words.length; i++) words[i] = (words[i] as number) ^ key;
	return copy;
}

/** The head of an unmasked frame that holds a whole message. */
export function writeFrameHead(opcode: number, length: number): Buffer {
	const head = Buffer.allocUnsafe(2 + extendedSize(length));
	fillHead(head, 0x80 | opcode, 0, length);
	return head;
}

/** The fields of a frame's head, without the length and the masking key. Defaults: `fin` true, `rsv1` false. */
export interface FrameStart {
	opcode: number;
	fin?: boolean;
	rsv1?: boolean;
}

/** The bytes of a frame. `mask`: whether to mask the payload with a random key, as clients must. */
export function writeFrame(start: FrameStart, payload: Buffer, mask: boolean): Buffer {
	const { length } = payload;
	const headSize = headSizeOf(length, mask);
	const frame = Buffer.allocUnsafe(headSize + length);
	const key = fillStart(frame, start, length, mask);
	frame.set(key === null ? payload : masked(payload, key, 0), headSize);
	return frame;
}

/** As `writeFrame`, in slices that are made on demand. */
export function* frameSlices(start: FrameStart, payload: Buffer, mask: boolean): Generator<Buffer> {
	const { length } = payload;
	const head = Buffer.allocUnsafe(headSizeOf(length, mask));
	const key = fillStart(head, start, length, mask);
	yield head;
	for (let at = 0; at < length; at += SLICE_BYTES) {
		const slice = payload.subarray(at, at + SLICE_BYTES);
		yield key === null ? slice : masked(slice, key, at);
	}
}

function headSizeOf(length: number, mask: boolean): number {
	return 2 + extendedSize(length) + (mask ? 4 : 0);
}

/** Writes the head of a frame. Returns the masking key; null: not masked. */
function fillStart(
	frame: Buffer,
	{ opcode, fin = true, rsv1 = false }: FrameStart,
	length: number,
	mask: boolean,
): Buffer | null {
	fillHead(frame, (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode, mask ? 0x80 : 0, length);
	const end = headSizeOf(length, mask);
	return mask ? randomFillSync(frame.subarray(end - 4, end)) : null;
}

/** Size of the extended payload length. Bytes. */
function extendedSize(length: number): number {
	return length < 126 ? 0 : length < 65536 ? 2 : 8;
}

function fillHead(frame: Buffer, first: number, maskBit: number, length: number): void {
	const extended = extendedSize(length);
	frame[0] = first;
	frame[1] = maskBit | (extended === 0 ? length : extended === 2 ? 126 : 127);
	if (extended === 2) frame.writeUInt16BE(length, 2);
	else if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
}
