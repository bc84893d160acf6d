// Searches text that passes in pieces, or is too large for memory, window by window. Formats of tokens, names in text and
// known secrets count.
import type { ByteString } from "../flow/bytes.ts";
import { byteTable } from "./opaque.ts";
import { applyEdits, type Part, type Redaction } from "./redaction.ts";

/** Bytes that are searched at a time. */
export const PIECE = 256 * 1024;

/** Later bytes that may decide about a secret: the longest private key, and more than a pattern looks at. */
const AHEAD = 10 * 1024;

/** Earlier bytes that may decide about a secret, such as a name before it. */
const BEHIND = 512;

/** Longer lines and values are searched as text; longer tokens are replaced by the placeholder of their beginning. Bytes. */
export const LONGEST = 1024 * 1024;

/** A longer secret under a name is replaced by the placeholder of its beginning. Bytes. */
export const LONGEST_SECRET = 1024;

/** Receives text in pieces, and passes on each part of it with its redacted form. */
export interface TextSearch {
	write(text: ByteString): void;
	end(): void;
}

export type PushText = (before: ByteString, after: ByteString) => void;

/** Searches windows that overlap, so that a secret may begin in one and end in the next. */
export class WindowSearch implements TextSearch {
	readonly #redaction: Redaction;
	readonly #push: PushText;
	readonly #isBinary: boolean;
	/** What was passed on last, and what was not passed on yet. */
	#text: ByteString = "";
	/** The end of what was passed on. */
	#done = 0;
	/** Text that is not part of `#text` yet. */
	#pieces: ByteString[] = [];
	#size = 0;
	/** Search again when this number of bytes is held. */
	#wanted = PIECE;
	/** Whether the rest of a token is dropped, because its placeholder was passed on. */
	#isInToken = false;

	/** @param isBinary replace only known secrets, by as many bytes */
	constructor(redaction: Redaction, push: PushText, isBinary = false) {
		this.#redaction = redaction;
		this.#push = push;
		this.#isBinary = isBinary;
	}

	write(text: ByteString): void {
		this.#pieces.push(text);
		this.#size += text.length;
		if (this.#size >= this.#wanted) this.#advance(false);
	}

	end(): void {
		this.#advance(true);
	}

	/** Passes on as much as later text cannot change. */
	#advance(isLast: boolean): void {
		let text = this.#text + this.#pieces.join("");
		this.#pieces = [];
		if (this.#isInToken) text = this.#withoutToken(text);
		const done = this.#done;
		const spans = this.#isBinary ? [] : this.#redaction.textSpans(text, true).filter(({ to }) => to > done);
		const limit = text.length - Math.max(AHEAD, this.#redaction.known.longest);
		let cut = isLast ? text.length : this.#cut(text, limit, spans, true);
		let keepsLength = this.#isBinary;
		if (cut <= done) {
			if (isLast || text.length - done < LONGEST) {
				this.#hold(text, done);
				return;
			}
			// a run that is too long to wait for its end
			cut = this.#cut(text, limit, spans, false);
			keepsLength = true;
			if (cut <= done) {
				cut = text.length;
				this.#isInToken = true;
			}
		}
		const before = text.slice(done, cut);
		const inside = spans.filter(({ from }) => from < cut);
		const shifted = inside.map((span) => ({ ...span, from: Math.max(span.from, done) - done, to: span.to - done }));
		const edited = applyEdits(before, this.#redaction.spanEdits(before, shifted, "text", ""));
		const { known } = this.#redaction;
		this.#push(before, keepsLength ? known.replaceInPlace(edited) : known.replace(edited));
		this.#hold(text, cut);
	}

	/** Keeps what was not passed on, and a little of what was. */
	#hold(text: ByteString, done: number): void {
		const start = Math.max(0, done - BEHIND);
		this.#text = text.slice(start);
		this.#done = done - start;
		this.#size = text.length - done;
		this.#wanted = this.#size + PIECE;
	}

	/**
	 * The last index up to `limit` at which no secret is divided; at most `#done`: there is none.
	 * @param atEnds whether base64 may not be divided either
	 */
	#cut(text: ByteString, limit: number, spans: readonly Part[], atEnds: boolean): number {
		const { known } = this.#redaction;
		for (let cut = limit; ; ) {
			const last = cut;
			while (atEnds && cut > this.#done && RUN[text.charCodeAt(cut - 1)] === 1) cut--;
			for (const { from, to } of spans) if (from < cut && to > cut) cut = from;
			const start = Math.max(0, cut - 2 * known.longest);
			for (const { from, to } of known.find(text.slice(start, cut + known.longest)))
				if (start + from < cut && start + to > cut) cut = start + from;
			if (cut === last || cut <= this.#done) return cut;
		}
	}

	/** Drops the rest of a token. */
	#withoutToken(text: ByteString): ByteString {
		let end = this.#done;
		while (end < text.length && RUN[text.charCodeAt(end)] === 1) end++;
		this.#push(text.slice(this.#done, end), "");
		this.#isInToken = end === text.length;
		return text.slice(0, this.#done) + text.slice(end);
	}
}

/** Bytes of tokens, also of encoded ones. */
const RUN = byteTable(/[\w.~+/=%-]/);

/** Drops the rest of a secret, except the line end behind it. */
export class DroppedSearch implements TextSearch {
	readonly #push: PushText;
	#end: ByteString = "";

	constructor(push: PushText) {
		this.#push = push;
	}

	write(text: ByteString): void {
		this.#push(text, "");
		this.#end = /\r?\n?$/.exec((this.#end + text).slice(-2))?.[0] ?? "";
	}

	end(): void {
		this.#push("", this.#end);
	}
}
