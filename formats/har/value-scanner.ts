// Finds the end of a JSON value in chunks, without parsing it.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Bytes of a string to test one by one. `indexOf` is faster only for longer strings. */
const NEAR = 48;

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
	#isEscaped = false;
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
				at = this.#skipString(bytes, at, to);
				if (this.#isInString) return -1;
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

	/** The end of the string; `to` if it continues. */
	#skipString(bytes: Buffer, from: number, to: number): number {
		let at = from;
		if (this.#isEscaped) {
			at++;
			this.#isEscaped = false;
		}
		while (at < to) {
			for (const near = Math.min(at + NEAR, to); at < near; at++) {
				const byte = bytes[at];
				if (byte === QUOTE) {
					this.#isInString = false;
					return at + 1;
				}
				if (byte === BACKSLASH) at++;
			}
			if (at >= to) break;
			const found = bytes.indexOf(QUOTE, at);
			const end = found === -1 || found > to ? to : found;
			// an even number of backslashes escapes only backslashes
			let start = end;
			while (start > at && bytes[start - 1] === BACKSLASH) start--;
			at = end + ((end - start) & 1);
		}
		this.#isEscaped = at > to;
		return to;
	}
}
