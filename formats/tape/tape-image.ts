// Reads a tape into memory: SQLite needs plain bytes, and those of a confidential tape may not be copied to a file.
import { FlowtapeError } from "../../src/errors.ts";
import type { Input } from "../format.ts";
import { missingAfter } from "./cut-tape.ts";

/** The largest tape that is read into memory, in bytes. */
const LIMIT = 2 * 1024 ** 3;

/** Where the header says whether there is a write-ahead log: https://www.sqlite.org/fileformat2.html section 1.3 */
const LOG_FLAGS = [18, 19];
const HEAD_BYTES = 100;

export interface TapeImage {
	/** The tape, with empty pages for those that are missing. */
	readonly bytes: Buffer;
	/** As of `missingEnd`. */
	readonly missing: { readonly size: number; readonly whole: number } | null;
}

/** @throws FlowtapeError FT_IO if the tape is too large */
export async function readImage(input: Input): Promise<TapeImage> {
	const { name } = input;
	const head = Buffer.alloc(HEAD_BYTES);
	(await input.peek(HEAD_BYTES)).copy(head);
	const pieces: Buffer[] = [];
	let size = 0;
	for await (const piece of input.chunks()) {
		size += piece.length;
		checkSize(name, size);
		pieces.push(piece);
	}
	const missing = missingAfter(head, size);
	checkSize(name, missing?.whole ?? size);
	const bytes = Buffer.concat(pieces, missing?.whole ?? size);
	// SQLite does not open a tape in memory with a log
	for (const at of LOG_FLAGS) if (bytes.length > at) bytes[at] = 1;
	return { bytes, missing };
}

function checkSize(name: string, size: number): void {
	if (size <= LIMIT) return;
	const message = `${name}: a tape of more than ${LIMIT} bytes is too large for memory: give it as a whole, uncompressed file`;
	throw new FlowtapeError("FT_IO", message, { file: name });
}
