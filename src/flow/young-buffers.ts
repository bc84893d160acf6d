// Collects the buffers of large bodies while they are in the young generation. The memory of a chunk is external to the
// heap, and V8 counts it until the chunk is collected. The heap of a proxy is small, so V8 would start a full mark
// every few dozen MiB, which costs as much as moving the bytes. A minor collection is cheap, and the freed memory is
// still in the CPU cache when it is reused.
import { type Collect, exposeCollect } from "../process-tuning.ts";

/** Bytes forwarded between two collections. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** V8's `gc` function; null: not available; undefined: not loaded yet. */
let collect: Collect | null | undefined;
let passed = 0;

/**
 * Counts bytes that were received in separate buffers and are no longer needed once written. After every `YOUNG_BYTES`,
 * a minor garbage collection frees such buffers.
 */
export function collectTransientBuffers(bytes: number): void {
	passed += bytes;
	if (passed < YOUNG_BYTES) return;
	passed = 0;
	collectNow("minor");
}

/**
 * Call this when large, long-lived buffers are no longer needed. A major garbage collection frees them before more are
 * allocated.
 */
export function collectLargeBuffers(): void {
	collectNow("major");
}

function collectNow(type: "minor" | "major"): void {
	if (collect === undefined) collect = exposeCollect();
	// Node 20 takes any other argument for a request of a minor collection
	if (type === "minor") collect?.({ type });
	else collect?.();
}
