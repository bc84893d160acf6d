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
	#gathered = nothing();
	/** Resolves when what was handed on is written; never rejects. */
	#writing: Promise<void> = Promise.resolve();

	/** @param isShared others may add to the output too: what is gathered goes there in one piece, so that nothing of theirs comes between */
	constructor(output: Output, isShared = false) {
		this.#output = output;
		this.#isShared = isShared;
	}

	/** Records that were written. */
	get written(): number {
		return this.#output.written;
	}

	/** Takes text; a promise means: wait for it before there is more. @param isEnd whether a record ends with it */
	append(text: string, isEnd = true): void | Promise<void> {
		const gathered = this.#gathered;
		gathered.text += text;
		if (isEnd) {
			gathered.records++;
			gathered.end = gathered.text.length;
		}
		if (gathered.text.length >= GATHERED_CHARACTERS) return this.#take();
	}

	/** Writes what was gathered, so that whoever reads the file has it. */
	async flush(): Promise<void> {
		await this.#take();
		await this.#output.flush?.();
	}

	/** @param end what stands behind the last record */
	async close(end = ""): Promise<void> {
		await this.#take();
		await this.#output.close(end === "" ? undefined : Buffer.from(end));
	}

	discard(): Promise<void> {
		return this.#output.discard();
	}

	/** One after the other: there is one buffer. */
	#take(): Promise<void> {
		const gathered = this.#gathered;
		if (gathered.text === "" && gathered.records === 0) return this.#writing;
		this.#gathered = nothing();
		const written = this.#writing.then(() => this.#write(gathered));
		this.#writing = written.catch(() => {});
		return written;
	}

	async #write({ text, records, end }: Gathered): Promise<void> {
		let whole = end === text.length ? Number.POSITIVE_INFINITY : Buffer.byteLength(text.slice(0, end));
		const put = async (bytes: Uint8Array, isLast: boolean): Promise<void> => {
			await this.#output.write(bytes, { count: isLast ? records : 0, size: Math.min(whole, bytes.length) });
			whole = Math.max(whole - bytes.length, 0);
		};
		if (this.#isShared) return put(Buffer.from(text), true);
		let at = 0;
		do {
			const { read, written } = this.#encoder.encodeInto(text.slice(at), this.#buffer);
			at += read;
			await put(this.#buffer.subarray(0, written), at === text.length);
		} while (at < text.length);
	}
}

/** Text that waits for more. */
interface Gathered {
	text: string;
	/** Records that end in it. */
	records: number;
	/** Characters up to the end of the last one. */
	end: number;
}

function nothing(): Gathered {
	return { text: "", records: 0, end: 0 };
}
