// Redacts text between delimiters, as many parts at a time as fit into a piece: lines, pairs of forms, multipart.
import type { ByteString } from "../flow/bytes.ts";
import { LONGEST, type PushText, type TextSearch } from "./window-search.ts";

export interface DelimitedOptions {
	readonly delimiter: ByteString;
	/** Wait for this number of bytes. */
	readonly least: number;
	/** Redacts complete parts. All but the first one of the text begin with the delimiter. */
	readonly redact: (parts: ByteString) => ByteString;
	/** Begins the search of a part that is too long for memory. */
	readonly begin: (beginning: ByteString) => TextSearch;
}

export class DelimitedSearch implements TextSearch {
	readonly #push: PushText;
	readonly #options: DelimitedOptions;
	/** Text that was not passed on yet. */
	#pieces: ByteString[] = [];
	#size = 0;
	/** The offset of the last delimiter. */
	#last = 0;
	/** The end of the text, which may be the beginning of a delimiter. */
	#tail: ByteString = "";
	/** The search of a part that is too long. It has everything but the tail. */
	#long: TextSearch | null = null;

	constructor(push: PushText, options: DelimitedOptions) {
		this.#push = push;
		this.#options = options;
	}

	write(text: ByteString): void {
		const rest = this.#long === null ? text : this.#writeLong(this.#long, text);
		if (rest === null) return;
		const { delimiter, least, begin } = this.#options;
		const seen = this.#tail + rest;
		const last = seen.lastIndexOf(delimiter);
		if (last >= 0) this.#last = this.#size - this.#tail.length + last;
		this.#pieces.push(rest);
		this.#size += rest.length;
		this.#tail = this.#tailOf(seen);
		if (this.#size < least) return;
		if (this.#last > 0) this.#pass(this.#last);
		else if (this.#size > LONGEST) {
			const part = this.#pieces.join("").slice(0, this.#size - this.#tail.length);
			this.#hold("");
			this.#long = begin(part);
		}
	}

	end(): void {
		this.#long?.write(this.#tail);
		this.#long?.end();
		if (this.#size > 0) this.#pass(this.#size);
	}

	/** Returns what follows the part; null: it goes on. */
	#writeLong(long: TextSearch, text: ByteString): ByteString | null {
		const seen = this.#tail + text;
		const end = seen.indexOf(this.#options.delimiter);
		this.#tail = end < 0 ? this.#tailOf(seen) : "";
		long.write(seen.slice(0, end < 0 ? seen.length - this.#tail.length : end));
		if (end < 0) return null;
		long.end();
		this.#long = null;
		return seen.slice(end);
	}

	#tailOf(text: ByteString): ByteString {
		return text.slice(Math.max(text.length - this.#options.delimiter.length + 1, 0));
	}

	#pass(end: number): void {
		const text = this.#pieces.join("");
		const parts = text.slice(0, end);
		this.#push(parts, this.#options.redact(parts));
		this.#hold(text.slice(end));
	}

	#hold(text: ByteString): void {
		this.#pieces = [text];
		this.#size = text.length;
		this.#last = 0;
	}
}
