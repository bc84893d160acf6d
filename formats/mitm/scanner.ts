// The records of a dump in its chunks, wherever these are cut; and after damage, the next place where a record begins.
import { FlowtapeError } from "../../src/errors.ts";
import { TAG } from "./tnetstring.ts";

/** Digits before the colon of a record. */
const MAX_DIGITS = 12;
/** A record longer than this is taken for damage, in bytes. */
const RECORD_LIMIT = 2 ** 31;
/** Bytes by which the beginning of a record is told. */
const HEAD_BYTES = 48;
const COLON = 0x3a;

export interface Damage {
	code: "FT_CORRUPT_FLOW" | "FT_NEWER_FORMAT";
	what: string;
	/** In the input. */
	offset: number;
	/** Number of the record, from 1. */
	record: number;
}

export interface RecordVisitor {
	/**
	 * Takes the record that stands from `start` to `end`, `offset` bytes into the input: the flow of this number, from 1.
	 * @throws FlowtapeError FT_CORRUPT_FLOW or FT_NEWER_FORMAT, with an offset in the buffer where that is known
	 */
	record(buffer: Buffer, start: number, end: number, offset: number, record: number): void;
	/** Told once for each stretch of damage. */
	damaged(damage: Damage): void;
}

/** Takes an input chunk by chunk and gives its records to a visitor. */
export class RecordScanner {
	readonly #visitor: RecordVisitor;
	readonly #size: number;
	/** What of the chunks so far is not used up, at the front of a buffer with room for more. */
	#carried: Buffer = Buffer.alloc(0);
	#carriedBytes = 0;
	/** How many bytes that must be to be of use. */
	#needed = 0;
	/** Offset in the input of what is carried, or of the next chunk. */
	#offset = 0;
	#record = 0;
	/** After damage, until a record is in order again. */
	#isSeeking = false;

	/** @param size of the input in bytes, null where it is not known */
	constructor(size: number | null, visitor: RecordVisitor) {
		this.#visitor = visitor;
		this.#size = size ?? Number.POSITIVE_INFINITY;
	}

	/** @param chunk may be used again afterwards, if the visitor holds no part of it */
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

	/** The input is at its end. */
	end(): void {
		if (this.#carriedBytes > 0) this.#scanCarried(true);
	}

	/** Copies, so that neither the chunk is held for a few bytes of it nor its owner kept from using it again. */
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
		// records hold what they came from: a new buffer for what is left
		this.#carried = Buffer.alloc(0);
		this.#carriedBytes = 0;
		if (at < carried.length) this.#carry(carried.subarray(at));
	}

	/** Takes the records that are all there; how many bytes that uses up. Sets how many the rest must have to be of use. */
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

	/** Takes the record at `at`; where to go on, null when that takes more bytes. */
	#step(buffer: Buffer, at: number, isLast: boolean): number | null {
		const start = payloadStart(buffer, at);
		if (start === null || (start === "cut" && isLast)) return this.#lose(at, "a record was expected (a length and a colon)");
		if (start === "cut") {
			this.#needed = MAX_DIGITS + 1;
			return null;
		}
		const length = Number(buffer.latin1Slice(at, start - 1));
		const end = start + length + 1;
		if (end > buffer.length) {
			if (isLast || this.#offset + end > this.#size) return this.#lose(at, `the record of ${length} bytes is cut off`);
			if (length > RECORD_LIMIT) return this.#lose(at, `a record of ${length} bytes is larger than can be read`);
			const field = nextField(buffer, start, end);
			if (field.isFault) return this.#lose(at, `the record of ${length} bytes does not hold together`, field.at);
			// the next field's length tells whether there is one, long before all of a large record is there; twice as much, for there may be millions
			this.#needed = Math.min(end - at, Math.max(field.at + MAX_DIGITS + 1 - at, 2 * (buffer.length - at)));
			return null;
		}
		// nothing else is a record, and to find that out by reading each of many would take long
		if (this.#isSeeking && buffer[end - 1] !== TAG.dictionary) return at + 1;
		return this.#take(buffer, at, end);
	}

	#take(buffer: Buffer, at: number, end: number): number {
		try {
			this.#visitor.record(buffer, at, end, this.#offset + at, this.#record + 1);
		} catch (error) {
			if (!(error instanceof FlowtapeError) || (error.code !== "FT_CORRUPT_FLOW" && error.code !== "FT_NEWER_FORMAT")) throw error;
			const { code, message, offset = at } = error;
			// where it ends as a dictionary and another one follows, only what is in it is damaged, not its length
			const isFramed = buffer[end - 1] === TAG.dictionary && (end === buffer.length || mayBegin(buffer, end));
			if (this.#isSeeking || !isFramed) return this.#lose(at, message, offset);
			this.#damaged(code, message, offset);
			return end;
		}
		this.#isSeeking = false;
		this.#record++;
		return end;
	}

	/** The record at `at` is none: seeks the next behind its first byte. */
	#lose(at: number, what: string, offset = at): number {
		if (!this.#isSeeking) this.#damaged("FT_CORRUPT_FLOW", what, offset);
		this.#isSeeking = true;
		return at + 1;
	}

	#damaged(code: Damage["code"], what: string, offset: number): void {
		this.#visitor.damaged({ code, what, offset: this.#offset + offset, record: ++this.#record });
	}
}

/** Where the payload of the element at `at` starts; null when it has no length, "cut" when the buffer ends too early to tell. */
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

/** Of a record of which only a part is there: where the first field begins that is not there, or is none that fits. */
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

/** Whether what stands at `at` looks like a dictionary, or what of it is there does. */
function mayBegin(buffer: Buffer, at: number): boolean {
	return /^\d{1,12}(:(\d{1,3}(:|$)|$)|$)/.test(buffer.latin1Slice(at, Math.min(buffer.length, at + MAX_DIGITS + 5)));
}

/** First fields of records as the many releases write them. */
const FIRST_FIELD =
	/^\d{1,2}:(?:websocket|response|request|version|backup|type|messages|timestamp_created|client_conn|server_conn|comment|error|id|metadata|intercepted|is_replay|marked|mode|client_key|handshake_flow|close_\w+|\w+_(?:protocol|extensions))[;,]/;

/** The next place from `from` on that begins a record; null where there is none. */
function findHead(buffer: Buffer, from: number): number | null {
	for (let colon = buffer.indexOf(COLON, from + 1); colon !== -1; colon = buffer.indexOf(COLON, colon + 1)) {
		if (!isDigit(buffer[colon - 1]) || !isDigit(buffer[colon + 1])) continue;
		if (!FIRST_FIELD.test(buffer.latin1Slice(colon + 1, Math.min(buffer.length, colon + HEAD_BYTES - MAX_DIGITS)))) continue;
		let at = colon - 1;
		while (at > from && colon - at < MAX_DIGITS && isDigit(buffer[at - 1])) at--;
		while (buffer[at] === 0x30) at++;
		// the state before an edit and the handshake of an old WebSocket flow are records within a record
		if (at < colon && !/(?:backup|handshake_flow)[;,]$/.test(buffer.latin1Slice(Math.max(0, at - 16), at))) return at;
	}
	return null;
}
