// Reads a block of lines up to an empty line, from any number of chunks: a head, or the trailers after a chunked body.
import { type ByteString, NO_BYTES } from "../../flow/bytes.ts";

const CR = 13;
const LF = 10;
const LINE_ENDS = Buffer.from("\n\r\n");
/** Up to this size, it is faster to convert the bytes to a string and search that. Bytes. */
const SHORT = 1024;
const BARE_LINE_ENDS = Buffer.from("\n\n");

/** Reads one block after another. A line may end in LF alone (RFC 9112 section 2.2). */
export class BlockReader {
	/** The lines of the block that `read` completed, without the empty line; "" if the block is only an empty line. */
	text: ByteString = "";
	/** Size of that block with its empty line, or of the unfinished block. Bytes. */
	size = 0;
	#held = NO_BYTES;
	#length = 0;

	/** The bytes of an unfinished block. */
	get held(): Buffer {
		return this.#held.subarray(0, this.#length);
	}

	get heldBytes(): number {
		return this.#length;
	}

	get isEmpty(): boolean {
		return this.#length === 0;
	}

	/**
	 * Reads `chunk` from `at`. Returns the offset after the empty line, or -1 if the block continues in the next chunk:
	 * then its bytes are held.
	 */
	read(chunk: Buffer, at: number): number {
		if (this.#length > 0) return this.#readHeld(chunk, at);
		const end = this.#find(chunk, at, at);
		if (end < 0) this.#hold(chunk, at);
		else this.size = end - at;
		return end;
	}

	#readHeld(chunk: Buffer, at: number): number {
		const before = this.#length;
		this.#hold(chunk, at);
		const end = this.#find(this.held, 0, Math.max(0, before - 2));
		if (end < 0) return -1;
		this.#held = NO_BYTES;
		this.#length = 0;
		this.size = end;
		return at + end - before;
	}

	/**
	 * The offset after the block that starts at `start`, or -1 if its end has not arrived yet. The search begins at
	 * `from`.
	 */
	#find(bytes: Buffer, start: number, from: number): number {
		if (startsWithLineEnd(bytes, start)) {
			this.text = "";
			return afterLineEnd(bytes, start);
		}
		const text = textToEmptyLine(bytes, start, from);
		if (text === null) return -1;
		const bare = text.indexOf("\n\n");
		this.text = bare < 0 ? text : text.slice(0, bare + 1);
		return afterLineEnd(bytes, start + this.text.length);
	}

	/** Doubles the buffer when it is full, so that the cost of a block that arrives byte by byte stays linear. */
	#hold(chunk: Buffer, at: number): void {
		const length = this.#length + chunk.length - at;
		if (length > this.#held.length) {
			const larger = Buffer.allocUnsafe(Math.max(1024, 2 * length));
			this.#held.copy(larger, 0, 0, this.#length);
			this.#held = larger;
		}
		chunk.copy(this.#held, this.#length, at);
		this.#length = length;
		this.size = length;
	}
}

/**
 * The text up to the line end before the first empty line; it may still contain an earlier empty line that ends in LF
 * alone. null: no empty line.
 */
function textToEmptyLine(bytes: Buffer, start: number, from: number): ByteString | null {
	if (start === from && bytes.length - start <= SHORT) {
		const text = bytes.latin1Slice(start);
		const last = text.indexOf("\n\r\n");
		if (last >= 0) return text.slice(0, last + 1);
	}
	let last = bytes.indexOf(LINE_ENDS, from);
	if (last < 0) last = bytes.indexOf(BARE_LINE_ENDS, from);
	return last < 0 ? null : bytes.latin1Slice(start, last + 1);
}

function startsWithLineEnd(bytes: Buffer, at: number): boolean {
	return bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF);
}

function afterLineEnd(bytes: Buffer, at: number): number {
	return bytes[at] === LF ? at + 1 : at + 2;
}
