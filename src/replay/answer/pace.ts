// The pieces in which a recorded body goes out again, and when: as it came, where that was noted, else spread evenly over its time.
import type { MetaValue } from "../../flow/metadata.ts";

/** A piece of a body, with the milliseconds before it. */
export interface Piece {
	readonly afterMs: number;
	readonly bytes: Buffer;
}

/** Bodies that were not noted are cut in so many pieces at most, and not more often than this. */
const PIECES = 50;
const GAP_MS = 10;

export interface Recorded {
	readonly body: Buffer;
	/** From the first byte to the last, in seconds, as it is to last now. */
	readonly seconds: number;
	/** What recorded times are multiplied by. */
	readonly factor: number;
	readonly isEventStream: boolean;
	/** When its chunks came, as the flow's metadata has it: pairs of milliseconds since the head and bytes. */
	readonly chunkTimes: MetaValue | undefined;
}

/** null: all at once. */
export function piecesOf({ body, seconds, factor, isEventStream, chunkTimes }: Recorded): Piece[] | null {
	const noted = body.length === 0 ? null : notedPieces(body, chunkTimes, factor);
	if (noted !== null) return noted;
	if (seconds * 1000 < GAP_MS || body.length === 0) return null;
	const parts = isEventStream ? events(body) : slices(body, Math.min(PIECES, Math.floor((seconds * 1000) / GAP_MS), body.length));
	// the first is there when the head is, the last when the time is over
	const gap = parts.length > 1 ? (seconds * 1000) / (parts.length - 1) : 0;
	return parts.map((bytes, n) => ({ bytes, afterMs: n === 0 ? 0 : gap }));
}

/** As it came; null where that was not noted for exactly this body. */
function notedPieces(body: Buffer, chunkTimes: MetaValue | undefined, factor: number): Piece[] | null {
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

/** An event ends with an empty line (HTML section 9.2.5). */
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
