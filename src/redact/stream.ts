// Redacts a body that passes in pieces, or is too large for memory, window by window. Formats of tokens, names in text
// and known secrets count; JSON paths and the structure of forms do not. JSON lines and events are read line by line.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { isUtf16, namedCharset } from "../flow/charset.ts";
import { type ByteStream, decodingStream, encodingStream, type Push } from "../flow/coding-stream.ts";
import { parseMediaType } from "../flow/content-type.ts";
import type { Headers } from "../flow/headers.ts";
import { BINARY_HEAD, isBinary, LINES, redactLines } from "./content.ts";
import { byteTable } from "./opaque.ts";
import { applyEdits, type Part, type Redaction } from "./redaction.ts";

/** Bytes that are searched at a time. */
const PIECE = 256 * 1024;

/** Later bytes that may decide about a secret: the longest private key, and more than a pattern looks at. */
const AHEAD = 10 * 1024;

/** Earlier bytes that may decide about a secret, such as a name before it. */
const BEHIND = 512;

/** Longer lines are searched as text, and longer tokens replaced by the placeholder of their beginning. Bytes. */
const LONGEST = 1024 * 1024;

/**
 * Redacts a body that passes in pieces: decodes it, replaces its secrets and encodes it again. Holds at most a few
 * megabytes, however long the body is. Secrets that it finds are known from then on.
 *
 * `write` and `end` pass the redacted body to `push`, and throw FT_BAD_BODY if the body cannot be searched, because it
 * cannot be decoded, is a decompression bomb or is in UTF-16: it must not be kept then. The length of the body and its
 * digests may change, so the headers must be corrected afterwards.
 */
export class BodyStream implements ByteStream {
	readonly #decoder: ByteStream;
	readonly #content: ContentStream;
	readonly #encoder: ByteStream;

	/**
	 * @param headers of the message, with its Content-Type and Content-Encoding
	 * @param part the part of the flow, such as `response body`
	 * @throws FlowtapeError FT_BAD_BODY if the content coding is unknown
	 */
	constructor(headers: Headers, part: string, redaction: Redaction, push: Push) {
		const coding = headers.get("content-encoding");
		this.#encoder = encodingStream(coding, push);
		this.#content = new ContentStream(headers.get("content-type"), part, redaction, (piece) =>
			this.#encoder.write(piece),
		);
		this.#decoder = decodingStream(coding, (piece) => this.#content.write(piece));
	}

	/** Whether a secret was replaced so far. */
	get isChanged(): boolean {
		return this.#content.isChanged;
	}

	write(piece: Buffer): void {
		this.#decoder.write(piece);
	}

	end(): void {
		this.#decoder.end();
		this.#content.end();
		this.#encoder.end();
	}
}

/** Decoded content. Its beginning decides how it is searched. */
class ContentStream implements ByteStream {
	readonly #contentType: string | null;
	readonly #part: string;
	readonly #redaction: Redaction;
	readonly #push: Push;
	#head: Buffer = Buffer.alloc(0);
	#search: TextSearch | null = null;
	isChanged = false;

	constructor(contentType: string | null, part: string, redaction: Redaction, push: Push) {
		this.#contentType = contentType;
		this.#part = part;
		this.#redaction = redaction;
		this.#push = push;
	}

	write(piece: Buffer): void {
		if (this.#search !== null) this.#pass(this.#search, piece.latin1Slice());
		else {
			this.#head = Buffer.concat([this.#head, piece]);
			if (this.#head.length >= BINARY_HEAD) this.#begin();
		}
	}

	end(): void {
		const search = this.#search ?? this.#begin();
		this.#redaction.part = this.#part;
		search.end();
	}

	#begin(): TextSearch {
		const head = this.#head.latin1Slice();
		const { essence } = parseMediaType(this.#contentType);
		if (/^(?:\xff\xfe|\xfe\xff)/.test(head) || isUtf16(namedCharset(this.#contentType ?? "", head) ?? ""))
			throw new FlowtapeError("FT_BAD_BODY", "it is in UTF-16, and too large to be searched at once");
		const push = (before: ByteString, after: ByteString) => {
			this.isChanged ||= before !== after;
			this.#push(Buffer.from(after, "latin1"));
		};
		const search = isBinary(essence, head)
			? new WindowSearch(this.#redaction, push, true)
			: LINES.test(essence)
				? new LineSearch(this.#redaction, push)
				: new WindowSearch(this.#redaction, push);
		this.#search = search;
		this.#head = Buffer.alloc(0);
		this.#pass(search, head);
		return search;
	}

	#pass(search: TextSearch, text: ByteString): void {
		this.#redaction.part = this.#part;
		search.write(text);
	}
}

/** Receives text in pieces, and passes on each part of it with its redacted form. */
interface TextSearch {
	write(text: ByteString): void;
	end(): void;
}

type PushText = (before: ByteString, after: ByteString) => void;

/** Searches lines one by one. */
class LineSearch implements TextSearch {
	readonly #redaction: Redaction;
	readonly #push: PushText;
	#line: ByteString = "";
	/** The search of a line that is too long for memory. */
	#long: WindowSearch | null = null;

	constructor(redaction: Redaction, push: PushText) {
		this.#redaction = redaction;
		this.#push = push;
	}

	write(text: ByteString): void {
		let rest = text;
		if (this.#long !== null) {
			const end = text.indexOf("\n") + 1;
			this.#long.write(end === 0 ? text : text.slice(0, end));
			if (end === 0) return;
			this.#long.end();
			this.#long = null;
			rest = text.slice(end);
		}
		const held = this.#line + rest;
		const end = held.lastIndexOf("\n") + 1;
		if (end > 0) this.#redact(held.slice(0, end));
		this.#line = held.slice(end);
		if (this.#line.length <= LONGEST) return;
		this.#long = new WindowSearch(this.#redaction, this.#push);
		this.#long.write(this.#line);
		this.#line = "";
	}

	end(): void {
		this.#long?.end();
		if (this.#line !== "") this.#redact(this.#line);
	}

	#redact(lines: ByteString): void {
		this.#push(lines, redactLines(lines, this.#redaction));
	}
}

/** Searches windows that overlap, so that a secret may begin in one and end in the next. */
class WindowSearch implements TextSearch {
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
