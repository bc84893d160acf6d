// The number of records in a write, and the end of the last complete one.

/** The records in a sequence of bytes. */
export interface Records {
	/** Number of records that end in the bytes. */
	readonly count: number;
	/** Bytes up to the end of the last complete record. */
	readonly size: number;
}

/** Bytes that end within a record, such as compressed bytes before a flush. */
export const WITHIN_RECORD: Records = { count: 0, size: 0 };

/**
 * Describes bytes that end with a complete record.
 * @param count number of records
 */
export function completeRecords({ length }: Uint8Array, count = 0): Records {
	return { count, size: length };
}
