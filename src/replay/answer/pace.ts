// Splits a recorded body into timed chunks. Recorded times of chunks are kept; without them, the chunks are spread
// evenly over the recorded time.
import type { MetaValue } from "../../flow/metadata.ts";

/** A chunk of a body, with the milliseconds to wait before it. */
export interface Piece {
	readonly afterMs: number;
	readonly bytes: Buffer;
}

/**
 * Limits for bodies without recorded times of chunks: the maximum number of chunks, and the minimum number of
 * milliseconds between them. Event streams are split into their events instead.
 */
const PIECES = 50;
const GAP_MS = 10;

export interface Recorded {
	readonly body: Buffer;
	/** Desired duration from the first byte to the last, in seconds. */
	readonly seconds: number;
	/** Factor for recorded chunk times. */
	readonly factor: number;
	readonly isEventStream: boolean;
	/** When the chunks arrived, from the flow's metadata: pairs of milliseconds since the head, and bytes. */
	readonly chunkTimes: MetaValue | undefined;
}

/** The chunks to send; null: send the whole body at once. */
export function piecesOf({ body, seconds, factor, isEventStream, chunkTimes }: Recorded): Piece[] | null {
	const recorded = body.length === 0 ? null : recordedPieces(body, chunkTimes, factor);
	if (recorded !== null) return recorded;
	if (seconds * 1000 < GAP_MS || body.length === 0) return null;
	const parts = isEventStream
		? events(body)
		: slices(body, Math.min(PIECES, Math.floor((seconds * 1000) / GAP_MS), body.length));
	// the first chunk is sent with the head, the last one at the end
	const gap = parts.length > 1 ? (seconds * 1000) / (parts.length - 1) : 0;
	return parts.map((bytes, n) => ({ bytes, afterMs: n === 0 ? 0 : gap }));
}

/** The chunks as received; null: no chunk times were recorded, or they do not match the body. */
function recordedPieces(body: Buffer, chunkTimes: MetaValue | undefined, factor: number): Piece[] | null {
	if (!Array.isArray(chunkTimes)) return null;
	const pieces: Piece[] = [];
	let [at, before] = [0, 0];
	for (const pair of chunkTimes) {
		const [age, size] = Array.isArray(pair) ? pair.map(numberOf) : [];
		if (age === undefined || size === undefined || !(size > 0 && age >= before)) return null;
		pieces.push({ afterMs: (age - before) * factor, bytes: body.subarray(at, at + size) });
		at += size;
		before = age;
	}
	return at === body.length ? pieces : null;
}

function numberOf(value: MetaValue): number {
	return typeof value === "number" ? value : Number.NaN;
}

/** Splits an event stream into its events. Each ends with an empty line (HTML section 9.2.5). */
function events(body: Buffer): Buffer[] {
	const parts: Buffer[] = [];
	let from = 0;
	for (const match of body.latin1Slice().matchAll(/(?:\r\n|\n|\r)(?:\r\n|\n|\r)+/g)) {
		const end = match.index + match[0].length;
		parts.push(body.subarray(from, end));
		from = end;
	}
	if (from < body.length) parts.push(body.subarray(from));
	return parts;
}

function slices(body: Buffer, count: number): Buffer[] {
	const size = Math.ceil(body.length / Math.max(1, count));
	return Array.from({ length: Math.ceil(body.length / size) }, (_, n) => body.subarray(n * size, (n + 1) * size));
}
