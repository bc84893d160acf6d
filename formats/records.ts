// Bytes on their way to a file that is read record by record: how many records they are, and up to where they are whole.

/** What of some bytes are records of a file, which is read record by record. */
export interface Records {
	/** How many end there. */
	readonly count: number;
	/** Bytes up to the end of the last one. */
	readonly size: number;
}

/** Of bytes that belong together. @param count of the records that they are */
export function wholly({ length }: Uint8Array, count = 0): Records {
	return { count, size: length };
}
