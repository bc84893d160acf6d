// Finds the end of a JSON value in chunks, without parsing it.
import { QUOTE, StringScanner } from "../string-scanner.ts";

/** Classes of bytes outside of strings. */
const OPENS = 1;
const CLOSES = 2;
/** Bytes that end a number, `true`, `false` or `null`. */
const ENDS_SCALAR = 3;
const KINDS = new Uint8Array(256);
for (const byte of Buffer.from("{[")) KINDS[byte] = OPENS;
for (const byte of Buffer.from("}]")) KINDS[byte] = CLOSES;
for (const byte of Buffer.from(", \t\r\n")) KINDS[byte] = ENDS_SCALAR;

/** Finds the end of one value. */
export class ValueScanner {
	/** Maximum nesting so far. */
	deepest = 0;
	#depth = 0;
	#isInString = false;
	readonly #string = new StringScanner();
	#isScalar = false;

	/**
	 * Continues with the value.
	 * @param from offset of the value's first byte, or in later chunks, of the chunk's first byte
	 * @returns the end of the value, or -1 if it continues after `to`
	 */
	scan(bytes: Buffer, from: number, to: number): number {
		let at = from;
		while (at < to) {
			if (this.#isInString) {
				const quote = this.#string.scan(bytes, at, to);
				if (quote === -1) return -1;
				this.#isInString = false;
				at = quote + 1;
				if (this.#depth === 0) return at;
				continue;
			}
			const byte = bytes[at++] as number;
			if (byte === QUOTE) {
				this.#isInString = true;
				continue;
			}
			const kind = KINDS[byte];
			if (kind === OPENS) {
				if (++this.#depth > this.deepest) this.deepest = this.#depth;
			} else if (kind === CLOSES) {
				if (this.#depth-- <= 1) return this.#isScalar ? at - 1 : at;
			} else if (this.#depth === 0) {
				if (kind === ENDS_SCALAR) return at - 1;
				this.#isScalar = true;
			}
		}
		return -1;
	}
}
