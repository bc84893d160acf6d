// Redacts a body that passes in pieces, or is too large for memory: decodes it, searches its content and encodes it again.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { isUtf16, namedCharset } from "../flow/charset.ts";
import { type ByteStream, decodingStream, encodingStream, type Push } from "../flow/coding-stream.ts";
import type { Headers } from "../flow/headers.ts";
import { BINARY_HEAD } from "./content.ts";
import { beginContent } from "./content-search.ts";
import type { Redaction } from "./redaction.ts";
import type { TextSearch } from "./window-search.ts";

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
		if (this.#search !== null) {
			this.#redaction.part = this.#part;
			this.#search.write(piece.latin1Slice());
		} else {
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
		if (/^(?:\xff\xfe|\xfe\xff)/.test(head) || isUtf16(namedCharset(this.#contentType ?? "", head) ?? ""))
			throw new FlowtapeError("FT_BAD_BODY", "it is in UTF-16, and too large to be searched at once");
		const push = (before: ByteString, after: ByteString) => {
			this.isChanged ||= before !== after;
			this.#push(Buffer.from(after, "latin1"));
		};
		this.#redaction.part = this.#part;
		this.#head = Buffer.alloc(0);
		this.#search = beginContent(head, this.#contentType, this.#redaction, push);
		return this.#search;
	}
}
