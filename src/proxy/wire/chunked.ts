// The chunked transfer coding (RFC 9112 section 7.1): reads chunk framing, and writes it.
import type { ByteString } from "../../flow/bytes.ts";
import { sendableTrailers } from "../../flow/sendable.ts";
import { protocolFault } from "./fault.ts";
import { writeFields } from "./head.ts";

export interface ChunkLimits {
	/**
	 * Most bytes of chunk extensions in one message. Extensions are dropped, so a sender could send them for ever without
	 * a limit. Default: 16384.
	 */
	readonly extensionBytes: number;
	/** Whether to accept chunk lines that end in LF alone. Default: false. */
	readonly lenient: boolean;
}

/** The size line before the data of a chunk; `CHUNK_END` follows the data. `size` in bytes, > 0. */
export function chunkHead(size: number): ByteString {
	return `${size.toString(16)}\r\n`;
}

export const CHUNK_END: ByteString = "\r\n";

/** Ends a chunked body without trailers. */
export const LAST_CHUNK: ByteString = "0\r\n\r\n";

/**
 * Ends a chunked body with these trailer fields (name, value, …). Fields from tapes and scripts may be invalid: such
 * fields are left out.
 */
export function lastChunk(trailers: readonly ByteString[] | null): ByteString {
	return trailers === null || trailers.length === 0 ? LAST_CHUNK : `0\r\n${writeFields(sendableTrailers(trailers))}`;
}

const SIZE = 0;
const PADDING = 1;
const EXTENSION = 2;
const SIZE_LF = 3;
const DATA = 4;
const DATA_CR = 5;
const DATA_LF = 6;
const LAST = 7;

const CR = 13;
const LF = 10;
const MAX_DIGITS = 16;

/** Reads the chunks of one message, including the line of the last chunk but not the trailers after it. */
export class ChunkReader {
	readonly #limits: ChunkLimits;
	#state = SIZE;
	#size = 0;
	#digits = 0;
	#extension = 0;

	constructor(limits: ChunkLimits) {
		this.#limits = limits;
	}

	/** Whether the line of the last chunk has been read. */
	get done(): boolean {
		return this.#state === LAST;
	}

	/** Bytes of the current chunk's data still to be read; 0: no data comes next. */
	get waiting(): number {
		return this.#state === DATA ? this.#size : 0;
	}

	/**
	 * Reads chunk framing from `at`. Returns the offset where it stopped: at data, after the last chunk's line, or at the
	 * end of `chunk`.
	 */
	readLine(chunk: Buffer, at: number): number {
		let next = at;
		while (next < chunk.length && this.#state !== DATA && this.#state !== LAST) this.#byte(chunk[next++] as number);
		return next;
	}

	/** Counts up to `available` bytes of data as read and returns how many. */
	takeData(available: number): number {
		if (this.#state !== DATA) return 0;
		const size = Math.min(available, this.#size);
		this.#size -= size;
		if (this.#size === 0) this.#state = DATA_CR;
		return size;
	}

	#byte(byte: number): void {
		const { lenient } = this.#limits;
		if (this.#state === SIZE) this.#sizeByte(byte);
		else if (this.#state === PADDING || this.#state === EXTENSION) this.#extensionByte(byte);
		else if (byte === LF && this.#state === SIZE_LF) this.#sizeEnd();
		else if (this.#state === SIZE_LF) throw this.#fault("LF after the CR of its size line", byte);
		else if (byte === LF && (this.#state === DATA_LF || lenient)) this.#state = SIZE;
		else if (byte === CR && this.#state === DATA_CR) this.#state = DATA_LF;
		else throw this.#fault("CRLF after its data", byte);
	}

	#sizeByte(byte: number): void {
		const digit = hexDigit(byte);
		if (digit >= 0) {
			this.#size = this.#size * 16 + digit;
			if (++this.#digits > MAX_DIGITS || this.#size > Number.MAX_SAFE_INTEGER)
				throw this.#fault("a size below 2^53 in at most 16 digits", byte);
		} else if (this.#digits === 0) throw this.#fault("its size in hexadecimal digits", byte);
		else this.#extensionByte(byte);
	}

	#extensionByte(byte: number): void {
		if (byte === CR) this.#state = SIZE_LF;
		else if (byte === LF && this.#limits.lenient) this.#sizeEnd();
		else if (byte === LF) throw this.#fault("CRLF at the end of its size line", byte);
		else {
			if (++this.#extension > this.#limits.extensionBytes)
				throw this.#fault(`at most ${this.#limits.extensionBytes} bytes of extensions`, byte);
			if (this.#state === EXTENSION) {
				if ((byte < 32 && byte !== 9) || byte === 127)
					throw this.#fault("an extension without control characters", byte);
			} else if (byte === 59) this.#state = EXTENSION;
			else if (byte === 32 || byte === 9) this.#state = PADDING;
			else throw this.#fault('";" or the end of the line after its size', byte);
		}
	}

	#sizeEnd(): void {
		this.#state = this.#size === 0 ? LAST : DATA;
		this.#digits = 0;
	}

	#fault(expected: string, byte: number): Error {
		return protocolFault("chunk", expected, String.fromCharCode(byte));
	}
}

function hexDigit(byte: number): number {
	if (byte >= 48 && byte <= 57) return byte - 48;
	const letter = byte | 32;
	return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
