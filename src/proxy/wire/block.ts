// A block of lines up to an empty line, wherever the bytes are cut: the shape of a head, and of the trailers behind a chunked body.
import type { ByteString } from "../../flow/bytes.ts";

const CR = 13;
const LF = 10;
const EMPTY: Buffer = Buffer.alloc(0);
const LINE_ENDS = Buffer.from("\n\r\n");
/** Of so many bytes a string is made faster than they are searched. */
const SHORT = 1024;
const BARE_LINE_ENDS = Buffer.from("\n\n");

/** Reads one block after another. A line may end in LF alone (RFC 9112 section 2.2). */
export class BlockReader {
	/** The lines of the block that `read` completed, without the empty one; "" where an empty line came first. */
	text: ByteString = "";
	/** Bytes of that block with its empty line, or of the unfinished one. */
	size = 0;
	#held = EMPTY;
	#length = 0;

	/** Bytes of an unfinished block. */
	get held(): Buffer {
		return this.#held.subarray(0, this.#length);
	}

	get isEmpty(): boolean {
		return this.#length === 0;
	}

	/** Reads on from `at`: the place behind the empty line, or -1 where the block goes on in the next chunk (all is held then). */
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
		this.#held = EMPTY;
		this.#length = 0;
		this.size = end;
		return at + end - before;
	}

	/** The place behind the block that starts at `start`, -1 where it does not end; it does not end before `from`. */
	#find(bytes: Buffer, start: number, from: number): number {
		if (startsWithLineEnd(bytes, start)) {
			this.text = "";
			return behindLineEnd(bytes, start);
		}
		const text = textToEmptyLine(bytes, start, from);
		if (text === null) return -1;
		const bare = text.indexOf("\n\n");
		this.text = bare < 0 ? text : text.slice(0, bare + 1);
		return behindLineEnd(bytes, start + this.text.length);
	}

	/** Doubles its room, so that a block that comes byte by byte costs no more than its size. */
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

/** The text up to the first line end that an empty line follows, perhaps with one of its own kind before; null where there is none. */
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

function behindLineEnd(bytes: Buffer, at: number): number {
	return bytes[at] === LF ? at + 1 : at + 2;
}
