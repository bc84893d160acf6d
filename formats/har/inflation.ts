// Content codings undone for a HAR, bounded in all: a tape of kilobytes can inflate to gigabytes. Beyond the bound bodies stay as they were sent.

import { FlowtapeError, hasErrno } from "../../src/errors.ts";
import { decodeBody } from "../../src/flow/body.ts";

/** Larger bodies are left out: their text would be longer than a string can be. Bytes. */
export const BODY_LIMIT = 256 * 1024 * 1024;
/** Bytes that all bodies may inflate to, whatever they were. */
const FREE_BYTES = 256 * 1024 * 1024;
/** Bytes that a byte as sent adds: text is compressed to a tenth, seldom to a fiftieth. */
const BYTES_PER_BYTE = 50;

export interface Decoded {
	readonly bytes: Buffer;
	/** The bytes are still as they were sent. */
	readonly asSent?: true;
}

export class Inflation {
	/** Bodies that were not decoded because they inflate too far. */
	kept = 0;
	#left = FREE_BYTES;

	/** The body with its Content-Encoding undone; as it was sent where the bytes do not follow that, or inflate too far. */
	decode(raw: Buffer, coding: string | null): Decoded {
		if (coding === null || coding === "") return { bytes: raw };
		this.#left += BYTES_PER_BYTE * raw.length;
		const limit = Math.min(this.#left, BODY_LIMIT);
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
