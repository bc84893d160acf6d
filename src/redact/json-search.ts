// Redacts long JSON texts piece by piece, in bounded memory. Names, own paths and coded values count as in short ones.
import type { ByteString } from "../flow/bytes.ts";
import { newJsonState } from "../json/walk.ts";
import { nameOf, redactJson } from "./json.ts";
import { secretKind } from "./names.ts";
import type { Redaction } from "./redaction.ts";
import {
	DroppedSearch,
	LONGEST,
	LONGEST_SECRET,
	PIECE,
	type PushText,
	type TextSearch,
	WindowSearch,
} from "./window-search.ts";

const [QUOTE, COMMA, OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [
	0x22, 0x2c, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];

/** Redacts a JSON text of any length; null: it is not JSON. Behind a fault, the rest is searched as text. */
export function redactWholeJson(text: ByteString, redaction: Redaction, depth: number): ByteString | null {
	if (text.length <= LONGEST) return redactJson(text, redaction, depth);
	const parts: ByteString[] = [];
	const push = (_before: ByteString, after: ByteString) => parts.push(after);
	const other = () => (parts.length === 0 ? new DroppedSearch(() => {}) : new WindowSearch(redaction, push));
	const search = new JsonSearch(redaction, push, { depth, longest: text.length, other });
	search.write(text);
	search.end();
	return parts.length === 0 ? null : parts.join("");
}

export interface JsonSearchOptions {
	/** The number of codings around the text. Default: 0. */
	depth?: number;
	/** Longer strings are searched as text, without values that are coded in them. Bytes. Default: 1 MiB. */
	longest?: number;
	/** Creates the search for the rest of a text that is not JSON. Default: a window search. */
	other?: () => TextSearch;
}

/**
 * Reads only brackets, commas and quotes, and passes on pieces that end behind a value. Each piece goes on in the state
 * in which the last one ended.
 */
export class JsonSearch implements TextSearch {
	readonly #redaction: Redaction;
	readonly #push: PushText;
	readonly #depth: number;
	readonly #longest: number;
	readonly #other: () => TextSearch;
	readonly #state = newJsonState();
	/** Text that was not passed on yet. */
	#pieces: ByteString[] = [];
	#size = 0;
	/** Number of open containers. */
	#open = 0;
	/** The offset of the string that is being read; -1: none is. */
	#string = -1;
	#isEscaped = false;
	/** The last offset at which a piece may end, and the last one behind a container. */
	#end = 0;
	#containerEnd = 0;
	/** Searches the rest of a string that is too long. */
	#long: TextSearch | null = null;
	/** Searches the rest of a text that is not JSON. */
	#rest: TextSearch | null = null;

	constructor(redaction: Redaction, push: PushText, options: JsonSearchOptions = {}) {
		this.#redaction = redaction;
		this.#push = push;
		this.#depth = options.depth ?? 0;
		this.#longest = options.longest ?? LONGEST;
		this.#other = options.other ?? (() => new WindowSearch(redaction, push));
	}

	write(text: ByteString): void {
		for (let at = 0; at < text.length; at += PIECE) this.#take(text.slice(at, at + PIECE));
	}

	end(): void {
		this.#long?.end();
		// the text after it may not be JSON, such as the end of JSONP
		if (this.#rest === null && this.#containerEnd > 0) this.#pass(this.#containerEnd);
		if (this.#rest === null && this.#size > 0) this.#pass(this.#size);
		this.#rest?.end();
	}

	#take(text: ByteString): void {
		if (this.#rest !== null) {
			this.#rest.write(text);
			return;
		}
		const from = this.#read(text);
		const held = text.slice(from);
		if (this.#long !== null) {
			this.#long.write(held);
			return;
		}
		this.#pieces.push(held);
		this.#size += held.length;
		if (this.#size < PIECE) return;
		const end = this.#containerEnd || this.#end;
		if (end > 0) this.#pass(end);
		else if (this.#string >= 0 && this.#size > this.#longest) this.#beginLong();
		else if (this.#string < 0 && this.#size > LONGEST) this.#fail(this.#pieces.join(""));
	}

	/** Reads the next part of the text. Returns the offset in it at which a string that is too long has ended, or 0. */
	#read(text: ByteString): number {
		let from = 0;
		let base = this.#size;
		for (let at = 0; at < text.length; at++) {
			const code = text.charCodeAt(at);
			if (this.#isEscaped) this.#isEscaped = false;
			else if (this.#string >= 0) {
				if (code === BACKSLASH) this.#isEscaped = true;
				if (code !== QUOTE) continue;
				this.#string = -1;
				if (this.#long === null) continue;
				this.#endLong(text.slice(0, at));
				from = at + 1;
				base = -from;
			} else if (code === QUOTE) this.#string = base + at;
			else if (code === COMMA) {
				this.#end = base + at;
				if (isClosing(text.charCodeAt(at - 1))) this.#containerEnd = base + at;
			} else if (code === OPEN_OBJECT || code === OPEN_ARRAY) this.#open++;
			else if (isClosing(code) && --this.#open === 0) this.#containerEnd = base + at + 1;
		}
		return from;
	}

	/** Passes on the text up to an offset. */
	#pass(end: number): void {
		const text = this.#pieces.join("");
		const piece = text.slice(0, end);
		const redacted = redactJson(piece, this.#redaction, this.#depth, "$", this.#state);
		if (redacted === null) this.#fail(text);
		else {
			this.#push(piece, redacted);
			this.#hold(text.slice(end), end);
		}
	}

	#hold(text: ByteString, passed: number): void {
		this.#pieces = [text];
		this.#size = text.length;
		if (this.#string >= 0) this.#string -= passed;
		this.#end = Math.max(this.#end - passed, 0);
		this.#containerEnd = 0;
	}

	/** Passes on the beginning of a string that is too long. */
	#beginLong(): void {
		const text = this.#pieces.join("");
		const before = text.slice(0, this.#string);
		const redacted = redactJson(`${before}""`, this.#redaction, this.#depth, "$", this.#state);
		if (redacted === null) {
			this.#fail(text);
			return;
		}
		this.#push(`${before}"`, redacted.slice(0, -1));
		const value = text.slice(this.#string + 1);
		this.#hold("", 0);
		const replaced = this.#replacementOf(value.slice(0, LONGEST_SECRET));
		if (replaced !== null) this.#push("", replaced);
		this.#long = replaced === null ? new WindowSearch(this.#redaction, this.#push) : new DroppedSearch(this.#push);
		this.#long.write(value);
	}

	/** The replacement of the last value of the state if the whole value is a secret; null: it is not. */
	#replacementOf(value: ByteString): ByteString | null {
		const { path } = this.#state;
		const name = nameOf(path);
		if (this.#redaction.rules.json(path)) return this.#redaction.secret(value, "json", "own.json", "json", name);
		const kind = secretKind(name);
		return kind === null ? null : this.#redaction.named(value, kind, "json", name);
	}

	/** @param text the rest of the string */
	#endLong(text: ByteString): void {
		this.#long?.write(text);
		this.#long?.end();
		this.#long = null;
		this.#push('"', '"');
	}

	#fail(text: ByteString): void {
		this.#rest = this.#other();
		this.#rest.write(text);
		this.#hold("", 0);
	}
}

function isClosing(code: number): boolean {
	return code === CLOSE_OBJECT || code === CLOSE_ARRAY;
}
