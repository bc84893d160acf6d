// Finds the end of a JSON string in chunks.

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
/** Bytes of a string to test one by one. `indexOf` is faster only for longer strings. */
const NEAR = 48;

export class StringScanner {
	/** Whether the first byte of the next chunk is escaped. */
	#isEscaped = false;

	/**
	 * Offset of the quote that ends the string; -1 if the string continues after `to`.
	 * @param from offset of the byte after the opening quote, or in later chunks, of the chunk's first byte
	 */
	scan(bytes: Buffer, from: number, to: number): number {
		let at = from;
		if (this.#isEscaped && at < to) {
			this.#isEscaped = false;
			at++;
		}
		while (at < to) {
			for (const near = Math.min(at + NEAR, to); at < near; at++) {
				const byte = bytes[at];
				if (byte === QUOTE) return at;
				if (byte === BACKSLASH) at++;
			}
			if (at >= to) break;
			const found = bytes.indexOf(QUOTE, at);
			const end = found === -1 || found > to ? to : found;
			// an even number of backslashes escapes only backslashes
			let start = end;
			while (start > at && bytes[start - 1] === BACKSLASH) start--;
			const isEscape = ((end - start) & 1) === 1;
			if (end === found && end < to && !isEscape) return end;
			at = end + (isEscape ? 1 : 0);
		}
		this.#isEscaped ||= at > to;
		return -1;
	}
}
