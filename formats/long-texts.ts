// Writes large parts of a record as JSON in pieces: a string of megabytes is freed only by a full garbage collection.
import { randomUUID } from "node:crypto";
import { type Body, bodySize } from "../src/flow/body.ts";
import { wholeCharacters, wholePieces } from "../src/flow/whole-pieces.ts";
import type { Json } from "./fields.ts";
import { costOfMessage } from "./json-cost.ts";

/** Minimum size of a long text, in bytes. */
export const LONG_BYTES = 64 * 1024;

/** Most bytes of JSON for one byte of a text. */
const ESCAPED_BYTES = 6;
/** Most bytes of JSON of a message, without its content. */
const MESSAGE_BYTES = 256;
/** Most bytes of UTF-8 for one UTF-16 code unit. */
const UTF8_BYTES = 3;
/** Records that may be larger than this are measured, in bytes. */
const MEASURED_BYTES = 400 * 1024 * 1024;

/** Placeholder for long parts in JSON, followed by their number. Random, so that no flow contains it. */
const MARK = randomUUID();
const MARKS = new RegExp(`"${MARK}#(\\d+)"`);

type StoredBody = Exclude<Body, null>;

/** A part of the JSON that is made when it is written. */
interface LongPart {
	pieces(): Iterable<string>;
	/** Upper bound of its size in UTF-8. */
	readonly most: number;
	/** `JsonCost` of its values; a body costs nothing. */
	readonly cost: number;
}

export interface JsonPieces {
	readonly head: string;
	/** The JSON after `head`, in pieces; null if `head` is complete. */
	readonly rest: Iterable<string> | null;
	/** Bytes of all of it in UTF-8; an upper bound if it is far smaller than a record may be. */
	readonly size: number;
	/** `JsonCost` of the messages in it. */
	readonly cost: number;
}

export class LongTexts {
	readonly #stringify: (value: Json) => string;
	#parts: LongPart[] = [];

	/** @param stringify converts a value to JSON */
	constructor(stringify: (value: Json) => string = JSON.stringify) {
		this.#stringify = stringify;
	}

	/** Whether a text of this size is written in pieces. */
	accepts(size: number): boolean {
		return size >= LONG_BYTES;
	}

	/**
	 * Returns a placeholder to use in the next value passed to `json`.
	 * @param body the text in UTF-8, or the bytes to encode as base64
	 */
	addText(body: StoredBody, encoding: "utf8" | "base64"): string {
		return this.#add(() => this.#textPieces(body, encoding), ESCAPED_BYTES * (bodySize(body) ?? 0));
	}

	/** Returns a placeholder for a JSON token, such as a number with more digits than JavaScript keeps. */
	addToken(token: string): string {
		return this.#add(() => [token], token.length);
	}

	/**
	 * A list of messages as JSON: a placeholder if they are large together.
	 * @param toJson may add the content of its message as a long text
	 */
	messages<T extends { readonly content: Buffer }>(list: readonly T[], toJson: (message: T) => Json): Json {
		const most = list.reduce((sum, { content }) => sum + MESSAGE_BYTES + ESCAPED_BYTES * content.length, 0);
		if (most < ESCAPED_BYTES * LONG_BYTES) return list.map(toJson);
		const cost = list.reduce((sum, { content }) => sum + costOfMessage(content.length), 0);
		return this.#add(() => this.#listPieces(list, toJson), most, cost);
	}

	#add(pieces: () => Iterable<string>, most: number, cost = 0): string {
		return `${MARK}#${this.#parts.push({ pieces, most, cost }) - 1}`;
	}

	/** Converts a value to JSON. Each placeholder is replaced by its part. */
	json(value: Json): JsonPieces {
		const parts = this.#parts;
		this.#parts = [];
		const json = this.#stringify(value);
		if (parts.length === 0) return { head: json, rest: null, size: sizeOf(json), cost: 0 };
		// alternately JSON and numbers of parts
		const [head = "", ...rest] = json.split(MARKS);
		const most = parts.reduce((sum, part) => sum + part.most, UTF8_BYTES * json.length);
		return {
			head,
			rest: withParts(parts, rest),
			size: most < MEASURED_BYTES ? most : measure(head, parts, rest),
			cost: parts.reduce((sum, part) => sum + part.cost, 0),
		};
	}

	*#textPieces(body: StoredBody, encoding: "utf8" | "base64"): Generator<string> {
		yield '"';
		for (const piece of wholePieces(body, encoding === "utf8" ? wholeCharacters : wholeTriples)) {
			const text = piece.toString(encoding);
			yield encoding === "utf8" ? this.#stringify(text).slice(1, -1) : text;
		}
		yield '"';
	}

	*#listPieces<T>(list: readonly T[], toJson: (item: T) => Json): Generator<string> {
		let before = "[";
		for (const item of list) {
			const { head, rest } = this.json(toJson(item));
			yield before + head;
			if (rest !== null) yield* rest;
			before = ",";
		}
		yield "]";
	}
}

function sizeOf(json: string): number {
	const most = UTF8_BYTES * json.length;
	return most < MEASURED_BYTES ? most : Buffer.byteLength(json);
}

/** @param rest alternately numbers of parts and the JSON after them */
function* withParts(parts: readonly LongPart[], rest: readonly string[]): Generator<string> {
	for (let i = 0; i < rest.length; i += 2) {
		yield* (parts[Number(rest[i])] as LongPart).pieces();
		yield rest[i + 1] as string;
	}
}

function measure(head: string, parts: readonly LongPart[], rest: readonly string[]): number {
	let size = Buffer.byteLength(head);
	for (const piece of withParts(parts, rest)) size += Buffer.byteLength(piece);
	return size;
}

/** Where a piece must end, so that its base64 has no padding. */
function wholeTriples({ length }: Buffer): number {
	return length - (length % 3);
}
