// Collects the JSON of one record from pieces. A short record is kept and parsed at once, a long one is parsed in pieces.
import { FlowtapeError } from "../src/errors.ts";
import { collectLargeBuffers } from "../src/flow/young-buffers.ts";
import { type Json, parseJson } from "./fields.ts";
import { isReadable, type PlaceOf } from "./json-cost.ts";
import { JsonParser, type KeepNumber } from "./json-parser.ts";
import type { JsonPieces } from "./long-texts.ts";

/** Maximum size of a short record, in bytes. */
export const SHORT_BYTES = 4 * 1024 * 1024;
/** Maximum size of a record in bytes, near V8's maximum string length, so that other programs can read it. */
export const RECORD_LIMIT = 500 * 1024 * 1024;

export class JsonRecord {
	readonly #placeOf: PlaceOf;
	readonly #keepNumber: KeepNumber | undefined;
	/** The bytes of a record that is short so far. The buffer is reused for the next record. */
	#kept = Buffer.allocUnsafeSlow(64 * 1024);
	/** Parses a long record; null for a record that is short so far. */
	#parser: JsonParser | null = null;
	/** The error for which the rest of the record is skipped. */
	#failure: unknown = null;
	/** Bytes so far. */
	size = 0;

	/** @param keepNumber for long records only */
	constructor(placeOf: PlaceOf, keepNumber?: KeepNumber) {
		this.#placeOf = placeOf;
		this.#keepNumber = keepNumber;
	}

	/** @param piece may be overwritten afterwards */
	push(piece: Buffer): void {
		const before = this.size;
		this.size += piece.length;
		if (this.size <= SHORT_BYTES) {
			this.#keep(piece, before);
			return;
		}
		if (this.#failure !== null) return;
		try {
			if (this.size > RECORD_LIMIT)
				throw new FlowtapeError("FT_CORRUPT_FLOW", `longer than ${RECORD_LIMIT / 1024 / 1024} MiB`);
			if (this.#parser === null) {
				// free the memory of an earlier large record first
				collectLargeBuffers();
				this.#parser = new JsonParser(this.#placeOf, this.#keepNumber);
				const first = Buffer.concat([this.#kept.subarray(0, before), piece]);
				this.#parser.push(first.subarray(hasMark(first) ? 3 : 0));
			} else this.#parser.push(piece);
		} catch (error) {
			this.#failure = error;
			this.#parser = null;
		}
	}

	/** The bytes of a short record; null for a long one. */
	get bytes(): Buffer | null {
		return this.size <= SHORT_BYTES ? this.#kept.subarray(0, this.size) : null;
	}

	/**
	 * Returns the value, undefined for a long record of only white space, and begins the next record.
	 * @throws FlowtapeError FT_CORRUPT_FLOW
	 */
	end(): Json | undefined {
		const { bytes } = this;
		const [parser, failure] = [this.#parser, this.#failure];
		this.clear();
		if (failure !== null) throw failure;
		return bytes === null ? parser?.end() : parseJson(bytes);
	}

	/** Discards the record. */
	clear(): void {
		this.size = 0;
		this.#parser = null;
		this.#failure = null;
	}

	#keep(part: Buffer, at: number): void {
		if (this.#kept.length < at + part.length) {
			const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * this.#kept.length, at + part.length), SHORT_BYTES));
			this.#kept.copy(larger, 0, 0, at);
			this.#kept = larger;
		}
		part.copy(this.#kept, at);
	}
}

/** Whether a record that is written as JSON could be read again. */
export function isRecord(value: Json, { size, cost }: JsonPieces, placeOf: PlaceOf): boolean {
	return size <= RECORD_LIMIT && (size <= SHORT_BYTES || isReadable(value, placeOf, cost));
}

/** Whether there is a byte order mark. */
function hasMark(bytes: Buffer): boolean {
	return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}
