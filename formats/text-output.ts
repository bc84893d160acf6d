// Text on its way to an output: gathered, and written as UTF-8 through one buffer, so that nothing is left behind for each piece.
import { hasErrno } from "../src/errors.ts";
import type { Output } from "./output.ts";

/** Characters that are gathered before they are written. */
const GATHERED_CHARACTERS = 256 * 1024;
const BUFFER_BYTES = 256 * 1024;

/** Whether an error is that a string became longer than strings can be. */
export function isTooLong(error: unknown): boolean {
	return error instanceof RangeError || hasErrno(error, "ERR_STRING_TOO_LONG");
}

export class TextOutput {
	readonly #output: Output;
	readonly #isShared: boolean;
	readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
	readonly #encoder = new TextEncoder();
	#text = "";
	/** Resolves when what was handed on is written; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	/** @param isShared others may add to the output too: what is gathered goes there in one piece, so that nothing of theirs comes between */
	constructor(output: Output, isShared = false) {
		this.#output = output;
		this.#isShared = isShared;
	}

	/** Takes text; a promise means: wait for it before there is more. */
	append(text: string): void | Promise<void> {
		this.#text += text;
		if (this.#text.length >= GATHERED_CHARACTERS) return this.#take();
	}

	/** Writes what was gathered, so that whoever reads the file has it. */
	async flush(): Promise<void> {
		await this.#take();
		await this.#output.flush?.();
	}

	async close(): Promise<void> {
		await this.#take();
		await this.#output.close();
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}

	/** One after the other: there is one buffer. */
	#take(): Promise<void> {
		const text = this.#text;
		this.#text = "";
		const written = this.#writing.then(() => this.#write(text));
		this.#writing = written.catch(() => {});
		return written;
	}

	async #write(text: string): Promise<void> {
		if (this.#isShared) return this.#output.write(Buffer.from(text));
		for (let at = 0; at < text.length; ) {
			const { read, written } = this.#encoder.encodeInto(text.slice(at), this.#buffer);
			at += read;
			await this.#output.write(this.#buffer.subarray(0, written));
		}
	}
}
