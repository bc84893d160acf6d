// Splits a multipart body (RFC 2046 section 5.1) at the boundary that its Content-Type names.
import { type ByteString, toByteString } from "./bytes.ts";
import { parseMediaType } from "./content-type.ts";

/** The boundary, in bytes; null: the type is not multipart, or has no boundary. */
export function boundaryOf(contentType: string | null): ByteString | null {
	const type = parseMediaType(contentType);
	return type.essence.startsWith("multipart/") ? toByteString(type.parameter("boundary") ?? "") || null : null;
}

export interface BodyPart {
	/** The header fields, without the line break after the last one. */
	readonly head: ByteString;
	/** null: there is no empty line after the header fields. */
	readonly content: ByteString | null;
}

/**
 * Yields the parts up to the closing delimiter, or to the end of the body if there is none. Line breaks may be LF
 * alone, as some senders write them.
 */
export function* partsOf(body: ByteString, boundary: ByteString): Generator<BodyPart> {
	// a delimiter begins a line, and the line break before it belongs to it (RFC 2046 section 5.1.1)
	for (const part of `\n${body}`.split(`\n--${boundary}`).slice(1)) {
		if (part.startsWith("--")) return;
		const text = part.endsWith("\r") ? part.slice(0, -1) : part;
		// the rest of the delimiter line is ignored
		const from = /^[^\n]*\n/.exec(text)?.[0].length ?? text.length;
		const blank = /(?:^|\r?\n)\r?\n/.exec(text.slice(from));
		if (blank === null) yield { head: text.slice(from), content: null };
		else
			yield { head: text.slice(from, from + blank.index), content: text.slice(from + blank.index + blank[0].length) };
	}
}
