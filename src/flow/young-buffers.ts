// Frees the buffers of large bodies while they are young. Every piece that comes is memory of its own outside of the heap, and V8 counts it to
// the heap until it is collected: with a heap as small as a proxy's each few dozen MiB that pass are then reason enough to mark all of it, which
// costs as much as moving the bytes. A collection of what is young alone is cheap, and its memory is still in the cache when it is used again.
import { type Collect, exposeCollect } from "../process-tuning.ts";

/** Bytes that may pass between two collections. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** undefined: not asked for yet. */
let collect: Collect | null | undefined;
let passed = 0;

/** So many bytes are on their way that came in buffers of their own, which nobody needs once they are written. */
export function collectTransientBuffers(bytes: number): void {
	passed += bytes;
	if (passed < YOUNG_BYTES) return;
	passed = 0;
	collectNow("minor");
}

/** Large buffers were needed for some time, and are no more: not to have more of them before V8 collects these. */
export function freeLarge(): void {
	collectNow("major");
}

function collectNow(type: "minor" | "major"): void {
	if (collect === undefined) collect = exposeCollect();
	collect?.({ type });
}
