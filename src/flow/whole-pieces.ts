// Reads a body in pieces that do not split characters or other units.
import { isUtf8 } from "node:buffer";
import { type Body, bodyChunks } from "./body.ts";
import { NO_BYTES } from "./bytes.ts";
import { collectTransientBuffers } from "./young-buffers.ts";

/** Bytes per piece. */
const PIECE_BYTES = 48 * 1024;

/**
 * Whether a body is UTF-8, without reading all of it into memory.
 * @param isPlain whether it must not contain NUL, as text does not
 */
export function isUtf8Body(body: Exclude<Body, null>, isPlain = false): boolean {
	for (const piece of Buffer.isBuffer(body) ? [body] : wholePieces(body, wholeCharacters))
		if (!isUtf8(piece) || (isPlain && piece.includes(0))) return false;
	return true;
}

/** A body in pieces. @param whole returns where a piece must end; the rest begins the next one */
export function* wholePieces(body: Exclude<Body, null>, whole: (piece: Buffer) => number): Generator<Buffer> {
	let rest = NO_BYTES;
	for (const chunk of bodyChunks(body)) {
		for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
			const part = chunk.subarray(at, at + PIECE_BYTES);
			const piece = rest.length === 0 ? part : Buffer.concat([rest, part]);
			const end = whole(piece);
			if (end > 0) yield piece.subarray(0, end);
			rest = Buffer.from(piece.subarray(end));
		}
		if (!Buffer.isBuffer(body)) collectTransientBuffers(chunk.length);
	}
	if (rest.length > 0) yield rest;
}

/** Where a piece must end, so that it ends between characters of UTF-8. */
export function wholeCharacters(piece: Buffer): number {
	let lead = piece.length - 1;
	while (lead > piece.length - 4 && lead > 0 && ((piece[lead] as number) & 0xc0) === 0x80) lead--;
	return (piece[lead] as number) >= 0xc0 ? lead : piece.length;
}
