// Limits the memory of large messages, over all conversations, while hooks process them. Further large messages wait in
// order.

/** Limit for all admitted messages together; a larger message is admitted alone. Bytes. */
const ADMITTED_BYTES = 64 * 1024 * 1024;

const waiting: { readonly bytes: number; readonly begin: () => void }[] = [];
let admitted = 0;

/** Resolves when a message of this size is admitted; undefined: it is admitted at once. Call `release` afterwards. */
export function admit(bytes: number): Promise<void> | undefined {
	if (waiting.length === 0 && fitsLimit(bytes)) {
		admitted += bytes;
		return;
	}
	return new Promise((begin) => waiting.push({ bytes, begin }));
}

/** Releases admitted bytes that are no longer in memory, or were not needed. */
export function release(bytes: number): void {
	admitted -= bytes;
	for (let next = waiting[0]; next !== undefined && fitsLimit(next.bytes); next = waiting[0]) {
		waiting.shift();
		admitted += next.bytes;
		next.begin();
	}
}

function fitsLimit(bytes: number): boolean {
	return admitted === 0 || admitted + bytes <= ADMITTED_BYTES;
}
