// Buffers text and writes it as UTF-8 through one reused buffer, so that pieces of text leave no garbage.
import { hasErrno } from "../src/errors.ts";
import { NO_BYTES } from "../src/flow/bytes.ts";
import type { MaybeAsync } from "../src/maybe-async.ts";
import type { Output } from "./output.ts";

/** Characters (UTF-16 code units) to buffer before a write. */
const BUFFERED_CHARACTERS = 256 * 1024;
const BUFFER_BYTES = 256 * 1024;
/** Maximum size of what a shared output writes in one piece, in bytes; larger records are written in several. */
const SHARED_BYTES = 64 * 1024 * 1024;

/** Whether an error means that a string exceeded V8's maximum length. */
export function isTooLong(error: unknown): boolean {
	return error instanceof RangeError || hasErrno(error, "ERR_STRING_TOO_LONG");
}

export class TextOutput {
	readonly #output: Output;
	readonly #isShared: boolean;
	readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
	readonly #encoder = new TextEncoder();
	#buffered = emptyBuffer();
	/** Holds a record that is not complete; only for shared outputs. */
	#held: Buffer | null = null;
	#heldBytes = 0;
	/** Resolves when earlier writes are done; never rejects. */
	#writing: Promise<void> = Promise.resolve();
	/** Resolves when a record has been appended in pieces; never rejects. */
	#turn: Promise<void> | null = null;

	/**
	 * @param isShared whether other processes append to the output too: complete records are then written in one piece,
	 * so that nothing comes in between
	 */
	constructor(output: Output, isShared = false) {
		this.#output = output;
		this.#isShared = isShared;
	}

	/** Records written. */
	get written(): number {
		return this.#output.written;
	}

	/**
	 * Appends text. If this returns a promise, await it before the next call.
	 * @param isEnd whether a record ends with the text
	 */
	append(text: string, isEnd = true): MaybeAsync {
		return this.#turn === null ? this.#append(text, isEnd) : this.#turn.then(() => this.append(text, isEnd));
	}

	/**
	 * Appends a record in pieces. Records that are appended meanwhile follow it.
	 * @param end text after the pieces
	 */
	appendPieces(head: string, pieces: Iterable<string>, end = ""): Promise<void> {
		if (this.#turn !== null) return this.#turn.then(() => this.appendPieces(head, pieces, end));
		const appended = this.#appendPieces(head, pieces, end);
		this.#turn = appended
			.catch(() => {})
			.then(() => {
				this.#turn = null;
			});
		return appended;
	}

	async #appendPieces(head: string, pieces: Iterable<string>, end: string): Promise<void> {
		await this.#append(head, false);
		for (const piece of pieces) {
			const wait = this.#append(piece, false);
			if (wait !== undefined) await wait;
		}
		await this.#append(end, true);
		// free the memory of the record
		if (this.#isShared) await this.#writeBuffered();
	}

	#append(text: string, isEnd: boolean): MaybeAsync {
		const buffered = this.#buffered;
		buffered.text += text;
		if (isEnd) {
			buffered.records++;
			buffered.end = buffered.text.length;
		}
		if (buffered.text.length >= BUFFERED_CHARACTERS) return this.#writeBuffered();
	}

	/** Writes buffered text, so that readers of the file see it. */
	async flush(): Promise<void> {
		await this.#writeBuffered();
		await this.#output.flush?.();
	}

	/** @param end text after the last record */
	async close(end = ""): Promise<void> {
		while (this.#turn !== null) await this.#turn;
		await this.#writeBuffered();
		await this.#output.close(end === "" ? undefined : Buffer.from(end));
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}

	/** Runs after earlier writes, because there is one buffer. */
	#writeBuffered(): Promise<void> {
		const buffered = this.#buffered;
		if (buffered.text === "" && buffered.records === 0) return this.#writing;
		this.#buffered = emptyBuffer();
		const written = this.#writing.then(() => this.#write(buffered));
		this.#writing = written.catch(() => {});
		return written;
	}

	async #write(buffered: Buffered): Promise<void> {
		if (this.#isShared) return this.#writeShared(buffered);
		const { text, records, end } = buffered;
		let whole = end === text.length ? Number.POSITIVE_INFINITY : Buffer.byteLength(text.slice(0, end));
		let at = 0;
		do {
			const { read, written } = this.#encoder.encodeInto(text.slice(at), this.#buffer);
			at += read;
			const size = Math.min(whole, written);
			await this.#output.write(this.#buffer.subarray(0, written), { count: at === text.length ? records : 0, size });
			whole -= size;
		} while (at < text.length);
	}

	/** Writes the complete records in one piece, and holds what begins after them. */
	async #writeShared({ text, records, end }: Buffered): Promise<void> {
		const complete = text.slice(0, end);
		if (records > 0 && this.#held === null) {
			const bytes = Buffer.from(complete);
			await this.#output.write(bytes, { count: records, size: bytes.length });
		} else if (records > 0) {
			await this.#hold(complete);
			await this.#writeHeld(records);
		}
		await this.#hold(text.slice(end));
	}

	async #hold(text: string): Promise<void> {
		for (let at = 0; at < text.length; ) {
			// the system provides the memory when it is written to
			this.#held ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
			const { read, written } = this.#encoder.encodeInto(text.slice(at), this.#held.subarray(this.#heldBytes));
			at += read;
			this.#heldBytes += written;
			if (at < text.length) await this.#writeHeld(0);
		}
	}

	async #writeHeld(count: number): Promise<void> {
		const bytes = this.#held?.subarray(0, this.#heldBytes) ?? NO_BYTES;
		this.#held = null;
		this.#heldBytes = 0;
		await this.#output.write(bytes, { count, size: count === 0 ? 0 : bytes.length });
	}
}

/** Buffered text. */
interface Buffered {
	text: string;
	/** Records that end in it. */
	records: number;
	/** Characters up to the end of the last complete record. */
	end: number;
}

function emptyBuffer(): Buffered {
	return { text: "", records: 0, end: 0 };
}
