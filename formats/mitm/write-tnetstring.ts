// Writes typed netstrings from the end of a buffer towards its front, so that every length is known when it is written.
import type { ByteString } from "../../src/flow/bytes.ts";
import { Float, type MetaValue } from "../../src/flow/metadata.ts";
import { TAG } from "./tnetstring.ts";

/** Writes elements backwards: the element written last comes first in the bytes. */
export class Writer {
	#buffer = Buffer.allocUnsafe(64 * 1024);
	#at = this.#buffer.length;

	/** A copy of the bytes written since the last call. */
	takeBytes(): Buffer {
		const bytes = Buffer.from(this.#buffer.subarray(this.#at));
		this.#at = this.#buffer.length;
		// free the memory that one large flow needed
		if (this.#buffer.length > KEPT_BYTES) {
			this.#buffer = Buffer.allocUnsafe(64 * 1024);
			this.#at = this.#buffer.length;
		}
		return bytes;
	}

	/** Discards the bytes written since the last `takeBytes`. */
	clear(): void {
		this.#at = this.#buffer.length;
	}

	bytes(bytes: Uint8Array | ByteString): void {
		const end = this.begin(TAG.bytes, bytes.length);
		this.#at -= bytes.length;
		if (typeof bytes === "string") this.#buffer.latin1Write(bytes, this.#at);
		else this.#buffer.set(bytes, this.#at);
		this.end(end);
	}

	/** Writes text as UTF-8; lone surrogates become U+FFFD. */
	text(text: string): void {
		const size = Buffer.byteLength(text);
		const end = this.begin(TAG.text, size);
		this.#at -= size;
		this.#buffer.write(text, this.#at);
		this.end(end);
	}

	/** Copies an encoded element. */
	raw(element: Uint8Array): void {
		this.#ensure(element.length);
		this.#at -= element.length;
		this.#buffer.set(element, this.#at);
	}

	/** Writes an integer. Truncates fractions, and writes 0 for NaN and infinities: they would make a dump unreadable. */
	integer(number: number | bigint): void {
		this.#ascii(
			TAG.integer,
			typeof number === "bigint" || Number.isSafeInteger(number)
				? String(number)
				: Number.isFinite(number)
					? String(BigInt(Math.trunc(number)))
					: "0",
		);
	}

	float(number: number): void {
		this.#ascii(TAG.float, Number.isInteger(number) && Math.abs(number) < 1e21 ? `${number}.0` : pythonFloat(number));
	}

	boolean(value: boolean): void {
		this.#ascii(TAG.boolean, value ? "true" : "false");
	}

	null(): void {
		this.#ascii(TAG.null, "");
	}

	/** Any value of metadata or of a decoded record. */
	value(value: MetaValue): void {
		if (value === null) this.null();
		else if (typeof value === "boolean") this.boolean(value);
		else if (typeof value === "bigint") this.integer(value);
		else if (typeof value === "number") Number.isSafeInteger(value) ? this.integer(value) : this.float(value);
		else if (typeof value === "string") this.text(value);
		else if (value instanceof Float) this.float(value.value);
		else if (value instanceof Uint8Array) this.bytes(value);
		else this.#container(value);
	}

	#container(value: MetaValue[] | { [key: string]: MetaValue }): void {
		const isList = Array.isArray(value);
		const begun = this.begin(isList ? TAG.list : TAG.dictionary);
		if (isList) for (let i = value.length - 1; i >= 0; i--) this.value(value[i] as MetaValue);
		else
			for (const [key, item] of Object.entries(value).reverse()) {
				this.value(item);
				this.text(key);
			}
		this.end(begun);
	}

	/** Begins a list or dictionary, or a payload of `size` bytes, by writing its type. Returns a position for `end`. */
	begin(tag: number, size = 0): number {
		this.#ensure(size + 32);
		this.#buffer[--this.#at] = tag;
		return this.#buffer.length - this.#at;
	}

	/** Ends an element by writing its length. @param begun the result of `begin` */
	end(begun: number): void {
		const digits = String(this.#buffer.length - this.#at - begun);
		this.#ensure(32);
		this.#buffer[--this.#at] = 0x3a;
		this.#at -= digits.length;
		this.#buffer.latin1Write(digits, this.#at);
	}

	#ascii(tag: number, text: string): void {
		const end = this.begin(tag, text.length);
		this.#at -= text.length;
		this.#buffer.latin1Write(text, this.#at);
		this.end(end);
	}

	#ensure(size: number): void {
		if (this.#at >= size) return;
		const used = this.#buffer.length - this.#at;
		const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, used + size + 64 * 1024));
		this.#buffer.copy(larger, larger.length - used, this.#at);
		this.#at = larger.length - used;
		this.#buffer = larger;
	}
}

const KEPT_BYTES = 4 * 1024 * 1024;

function pythonFloat(number: number): string {
	if (Number.isNaN(number)) return "nan";
	return Number.isFinite(number) ? String(number) : number > 0 ? "inf" : "-inf";
}
