// Bodies as strings of JSON that are made piece by piece: a string of megabytes is only freed when the whole heap has been marked.
import { randomUUID } from "node:crypto";
import type { Json } from "../fields.ts";

/** From this many bytes on a text is long. */
export const LONG_BYTES = 64 * 1024;
/** Larger ones are none for here: two of them, six characters a byte, may be more than whoever reads the JSON can hold in a string. */
const MOST_BYTES = 40 * 1024 * 1024;
/** Bytes of a piece; base64 of three times as many has no padding. */
const PIECE_BYTES = 48 * 1024;

/** Stands in JSON for long texts, with their number. Nobody can know it. */
const MARK = randomUUID();
const MARKS = new RegExp(`${MARK}#(\\d+)`);

interface LongText {
	readonly bytes: Buffer;
	readonly encoding: "utf8" | "base64";
}

export interface JsonPieces {
	readonly head: string;
	/** null: that is all. */
	readonly rest: Iterable<string> | null;
}

export class LongTexts {
	#texts: LongText[] = [];

	/** Whether so many bytes are a text for here. */
	takes(size: number): boolean {
		return size >= LONG_BYTES && size <= MOST_BYTES;
	}

	/** What to put into the next value for `json`. @param bytes UTF-8 where that is the encoding */
	add(bytes: Buffer, encoding: LongText["encoding"]): string {
		return `${MARK}#${this.#texts.push({ bytes, encoding }) - 1}`;
	}

	/** A value as JSON with the texts that were added in their places. */
	json(value: Json): JsonPieces {
		const texts = this.#texts;
		this.#texts = [];
		const json = JSON.stringify(value);
		if (texts.length === 0) return { head: json, rest: null };
		const [head = "", ...parts] = json.split(MARKS);
		return { head, rest: withTexts(texts, parts) };
	}
}

/** @param parts numbers of texts and what stands behind them, by turns */
function* withTexts(texts: readonly LongText[], parts: readonly string[]): Generator<string> {
	for (let i = 0; i < parts.length; i += 2) {
		yield* piecesOf(texts[Number(parts[i])] as LongText);
		yield parts[i + 1] as string;
	}
}

function* piecesOf({ bytes, encoding }: LongText): Generator<string> {
	for (let at = 0; at < bytes.length; ) {
		const end = encoding === "utf8" ? endOfCharacter(bytes, at + PIECE_BYTES) : Math.min(at + PIECE_BYTES, bytes.length);
		const piece = bytes.toString(encoding, at, end);
		yield encoding === "utf8" ? JSON.stringify(piece).slice(1, -1) : piece;
		at = end;
	}
}

/** The first place from `at` on that is not within a character of UTF-8. */
function endOfCharacter(bytes: Buffer, at: number): number {
	let end = at;
	while (end < bytes.length && ((bytes[end] as number) & 0xc0) === 0x80) end++;
	return Math.min(end, bytes.length);
}
