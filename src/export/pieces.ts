// Exported bytes. Bodies that are stored elsewhere, such as in a tape, are read only when they are written.
import { type Body, bodyChunks, bodySize } from "../flow/body.ts";

/** Exported bytes, as the bodies and other bytes that they consist of. */
export type Exported = readonly NonNullable<Body>[];

/** Up to this size, everything is written at once. Bytes. */
const SMALL_BYTES = 1024 * 1024;

/** The bytes in pieces; few bytes are one piece. */
export function* piecesOf(exported: Exported): Generator<Buffer> {
	const size = exported.reduce((sum, part) => sum + (bodySize(part) ?? 0), 0);
	if (size <= SMALL_BYTES) yield Buffer.concat(exported.flatMap((part) => [...bodyChunks(part)]));
	else for (const part of exported) yield* bodyChunks(part);
}
