// Decodes the bodies of a HAR within a total limit, because a tape of kilobytes can inflate to gigabytes. Bodies beyond
// the limit stay encoded.

import { FlowtapeError, hasErrno } from "../../src/errors.ts";
import { type Body, DECODED_LIMIT, decodeBody } from "../../src/flow/body.ts";

/** Larger bodies are left out, because their text would exceed the maximum string length. Bytes. */
export const BODY_LIMIT = 256 * 1024 * 1024;
/** Larger bodies are read and written in pieces, in bytes. */
export const LONG_BODY = 8 * 1024 * 1024;
/** Total inflated size that is always allowed. Bytes. */
const FREE_BYTES = 256 * 1024 * 1024;
/** Inflated bytes allowed for each encoded byte: text compresses to a tenth, rarely to a fiftieth. */
export const BYTES_PER_BYTE = 50;

export interface Decoded {
	readonly bytes: Exclude<Body, null>;
	/** The bytes are still encoded. */
	readonly asSent?: true;
}

export class Inflation {
	/** Number of bodies not decoded, because they inflate to too many bytes. */
	kept = 0;
	#left = FREE_BYTES;

	/** A body that is too large to be decoded. */
	keep(bytes: Exclude<Body, null>): Decoded {
		this.kept++;
		return { bytes, asSent: true };
	}

	/** The decoded body; the encoded one if it cannot be decoded or inflates to too many bytes. */
	decode(raw: Buffer, coding: string | null): Decoded & { bytes: Buffer } {
		if (coding === null || coding === "") return { bytes: raw };
		this.#left += BYTES_PER_BYTE * raw.length;
		const limit = Math.min(this.#left, DECODED_LIMIT);
		try {
			const bytes = decodeBody(raw, coding, limit);
			this.#left -= bytes.length;
			return { bytes };
		} catch (error) {
			if (error instanceof FlowtapeError && hasErrno(error.cause, "ERR_BUFFER_TOO_LARGE")) {
				this.#left -= limit;
				this.kept++;
			}
			return { bytes: raw, asSent: true };
		}
	}
}
