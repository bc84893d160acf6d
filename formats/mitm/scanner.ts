// Splits the chunks of a dump into records, and finds the next record after damage.
import { FlowtapeError } from "../../src/errors.ts";
import { TAG } from "./tnetstring.ts";

/** Maximum digits of a record's length. */
const MAX_DIGITS = 12;
/** Longer records are considered damaged. Bytes. */
const RECORD_LIMIT = 2 ** 31;
/** Bytes needed to detect the beginning of a record. */
const HEAD_BYTES = 48;
const COLON = 0x3a;

export interface Damage {
	code: "FT_CORRUPT_FLOW" | "FT_NEWER_FORMAT";
	what: string;
	/** Offset in the input. */
	offset: number;
	/** Number of the record, from 1. */
	record: number;
}

export interface RecordVisitor {
	/**
	 * Called for each record, at `start` to `end` of the buffer.
	 * @param offset of the record in the input
	 * @param record its number, from 1
	 * @throws FlowtapeError FT_CORRUPT_FLOW or FT_NEWER_FORMAT, with an offset in the buffer if known
	 */
	record(buffer: Buffer, start: number, end: number, offset: number, record: number): void;
	/** Called once for each damaged section. */
	damaged(damage: Damage): void;
}

/** Receives an input in chunks and passes its records to a visitor. */
export class RecordScanner {
	readonly #visitor: RecordVisitor;
	readonly #size: number;
	/** Unprocessed bytes of earlier chunks, at the front of a buffer with spare capacity. */
	#carried: Buffer = Buffer.alloc(0);
	#carriedBytes = 0;
	/** How many bytes are needed before the next scan. */
	#needed = 0;
	/** Offset in the input of the carried bytes, or of the next chunk. */
	#offset = 0;
	#record = 0;
	/** Set after damage, until the next valid record. */
	#isSeeking = false;

	/** @param size of the input in bytes; null if unknown */
	constructor(size: number | null, visitor: RecordVisitor) {
		this.#visitor = visitor;
		this.#size = size ?? Number.POSITIVE_INFINITY;
	}

	/** @param chunk may be reused afterwards, if the visitor keeps no part of it */
	push(chunk: Buffer): void {
		let rest = chunk;
		// a record across two chunks is completed by itself, so that the rest of the chunk need not be copied
		while (this.#carriedBytes > 0 && rest.length > 0) {
			const wanted = this.#isSeeking ? rest.length : Math.min(this.#needed - this.#carriedBytes, rest.length);
			this.#carry(rest.subarray(0, wanted));
			rest = rest.subarray(wanted);
			if (this.#carriedBytes >= this.#needed) this.#scanCarried(false);
		}
		if (rest.length === 0) return;
		const at = this.#scan(rest, false);
		if (at < rest.length) this.#carry(rest.subarray(at));
	}

	/** Call at the end of the input. */
	end(): void {
		if (this.#carriedBytes > 0) this.#scanCarried(true);
	}

	/** Copies the bytes, so that the chunk can be reused and is not kept in memory for a few bytes. */
	#carry(part: Buffer): void {
		const size = this.#carriedBytes + part.length;
		if (size > this.#carried.length) {
			const larger = Buffer.allocUnsafeSlow(Math.max(size, Math.min(this.#needed, 2 * size)));
			this.#carried.copy(larger, 0, 0, this.#carriedBytes);
			this.#carried = larger;
		}
		part.copy(this.#carried, this.#carriedBytes);
		this.#carriedBytes = size;
	}

	#scanCarried(isLast: boolean): void {
		const carried = this.#carried.subarray(0, this.#carriedBytes);
		const at = this.#scan(carried, isLast);
		if (at === 0) return;
		// records may refer to the buffer, so the rest goes to a new one
		this.#carried = Buffer.alloc(0);
		this.#carriedBytes = 0;
		if (at < carried.length) this.#carry(carried.subarray(at));
	}

	/** Processes all complete records and returns the number of bytes consumed. Sets `#needed` for the rest. */
	#scan(buffer: Buffer, isLast: boolean): number {
		let at = 0;
		this.#needed = 0;
		while (at < buffer.length) {
			if (this.#isSeeking) {
				const head = findHead(buffer, at);
				if (head === null) {
					at = isLast ? buffer.length : Math.max(at, buffer.length - HEAD_BYTES);
					break;
				}
				at = head;
			}
			const next = this.#step(buffer, at, isLast);
			if (next === null) break;
			at = next;
		}
		this.#offset += at;
		this.#needed = Math.max(this.#needed, buffer.length - at + 1);
		return at;
	}

	/** Processes the record at `at`. Returns the offset to continue at; null if more bytes are needed. */
	#step(buffer: Buffer, at: number, isLast: boolean): number | null {
		const start = payloadStart(buffer, at);
		if (start === null || (start === "cut" && isLast))
			return this.#seekNext(at, "expected a record (a length and a colon)");
		if (start === "cut") {
			this.#needed = MAX_DIGITS + 1;
			return null;
		}
		const length = Number(buffer.latin1Slice(at, start - 1));
		const end = start + length + 1;
		if (end > buffer.length) {
			if (isLast || this.#offset + end > this.#size)
				return this.#seekNext(at, `the record of ${length} bytes is cut off`);
			if (length > RECORD_LIMIT) return this.#seekNext(at, `a record of ${length} bytes is larger than can be read`);
			const field = nextField(buffer, start, end);
			if (field.isFault) return this.#seekNext(at, `the record of ${length} bytes is inconsistent`, field.at);
			// the length of the next field shows damage long before a large record is complete; wait for twice as many bytes,
			// because there may be millions of fields
			this.#needed = Math.min(end - at, Math.max(field.at + MAX_DIGITS + 1 - at, 2 * (buffer.length - at)));
			return null;
		}
		// only dictionaries are records; reading each candidate would be slow
		if (this.#isSeeking && buffer[end - 1] !== TAG.dictionary) return at + 1;
		return this.#visit(buffer, at, end);
	}

	#visit(buffer: Buffer, at: number, end: number): number {
		try {
			this.#visitor.record(buffer, at, end, this.#offset + at, this.#record + 1);
		} catch (error) {
			if (!FlowtapeError.is(error, "FT_CORRUPT_FLOW", "FT_NEWER_FORMAT")) throw error;
			const { code, message, offset = at } = error;
			// if it ends as a dictionary and another record follows, its length is valid and only its content is damaged
			const isFramed = buffer[end - 1] === TAG.dictionary && (end === buffer.length || mayBegin(buffer, end));
			if (this.#isSeeking || !isFramed) return this.#seekNext(at, message, offset);
			this.#damaged(code, message, offset);
			return end;
		}
		this.#isSeeking = false;
		this.#record++;
		return end;
	}

	/** There is no valid record at `at`: seeks the next one, after its first byte. */
	#seekNext(at: number, what: string, offset = at): number {
		if (!this.#isSeeking) this.#damaged("FT_CORRUPT_FLOW", what, offset);
		this.#isSeeking = true;
		return at + 1;
	}

	#damaged(code: Damage["code"], what: string, offset: number): void {
		this.#visitor.damaged({ code, what, offset: this.#offset + offset, record: ++this.#record });
	}
}

/**
 * Offset of the payload of the element at `at`; null if it has no length, "cut" if the buffer ends before the colon.
 */
function payloadStart(buffer: Buffer, at: number): number | null | "cut" {
	for (let i = at; i <= at + MAX_DIGITS; i++) {
		if (i === buffer.length) return "cut";
		if (buffer[i] === COLON) return i === at ? null : i + 1;
		if (!isDigit(buffer[i])) return null;
	}
	return null;
}

function isDigit(byte: number | undefined): boolean {
	return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

/** In an incomplete record: the offset of the first field that is incomplete or invalid. */
function nextField(buffer: Buffer, start: number, end: number): { at: number; isFault: boolean } {
	let at = start;
	while (at < buffer.length) {
		const payload = payloadStart(buffer, at);
		if (payload === "cut") break;
		if (payload === null) return { at, isFault: true };
		const next = payload + Number(buffer.latin1Slice(at, payload - 1)) + 1;
		if (next >= end) return { at, isFault: true };
		at = next;
	}
	return { at, isFault: false };
}

/** Whether the bytes at `at` look like the beginning of a dictionary. */
function mayBegin(buffer: Buffer, at: number): boolean {
	return /^\d{1,12}(:(\d{1,3}(:|$)|$)|$)/.test(buffer.latin1Slice(at, Math.min(buffer.length, at + MAX_DIGITS + 5)));
}

/** The first fields of records, by all releases. */
const FIRST_FIELD =
	/^\d{1,2}:(?:websocket|response|request|version|backup|type|messages|timestamp_created|client_conn|server_conn|comment|error|id|metadata|intercepted|is_replay|marked|mode|client_key|handshake_flow|close_\w+|\w+_(?:protocol|extensions))[;,]/;

/** The offset of the next record at or after `from`; null if there is none. */
function findHead(buffer: Buffer, from: number): number | null {
	for (let colon = buffer.indexOf(COLON, from + 1); colon !== -1; colon = buffer.indexOf(COLON, colon + 1)) {
		if (!isDigit(buffer[colon - 1]) || !isDigit(buffer[colon + 1])) continue;
		if (!FIRST_FIELD.test(buffer.latin1Slice(colon + 1, Math.min(buffer.length, colon + HEAD_BYTES - MAX_DIGITS))))
			continue;
		let at = colon - 1;
		while (at > from && colon - at < MAX_DIGITS && isDigit(buffer[at - 1])) at--;
		while (buffer[at] === 0x30) at++;
		// `backup` and `handshake_flow` are records within a record
		if (at < colon && !/(?:backup|handshake_flow)[;,]$/.test(buffer.latin1Slice(Math.max(0, at - 16), at))) return at;
	}
	return null;
}
