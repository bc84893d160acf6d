// Copies parts of texts that are kept for long.
import type { ByteString } from "../flow/bytes.ts";

/** A copy of a part of a text. V8 keeps the whole text in memory as long as a part of it is in use. */
export function detached(part: ByteString): ByteString {
	return Buffer.from(part, "latin1").latin1Slice();
}
