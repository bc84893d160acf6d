// The error for a damaged record of a tape.
import { FlowtapeError } from "../../errors.ts";

/** @param what the damage, such as `invalid head` */
export function damagedRecord(what: string, cause?: unknown): FlowtapeError {
	return new FlowtapeError("FT_CORRUPT_FLOW", `a record of the tape is damaged: ${what}`, { cause });
}
