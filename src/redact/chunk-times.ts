// Fits the recorded arrival times of a body's chunks to the body as it was changed, so that it can still be replayed at
// the recorded pace.
import type { MetaValue } from "../flow/metadata.ts";

/**
 * The times of the chunks, with their sizes fitted: the last chunks lose or gain the difference.
 * @param times pairs of a time and a size in bytes; other values are returned as they are
 * @param size of the whole body, in bytes
 */
export function fitChunkTimes(times: MetaValue, size: number): MetaValue {
	if (!Array.isArray(times)) return times;
	const fitted: [age: MetaValue, size: number][] = [];
	let left = size;
	for (const pair of times) {
		const [age, bytes] = Array.isArray(pair) ? pair : [];
		if (age === undefined || typeof bytes !== "number") return times;
		const kept = Math.min(bytes, left);
		if (kept > 0) fitted.push([age, kept]);
		left -= kept;
	}
	const last = fitted.at(-1);
	if (last !== undefined) last[1] += left;
	return fitted;
}
