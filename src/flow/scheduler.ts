// A cooperative scheduler for long synchronous work, such as searching a large body: it pauses so that the event loop
// can serve other exchanges.

/** How long work may run without a pause, in milliseconds. */
const SLICE_MS = 20;
/** Length of a pause, as a fraction of the work before it: an exchange needs several turns of the event loop. */
const PAUSE_FRACTION = 1 / 2;

interface Waiting {
	readonly weight: number;
	readonly begin: () => void;
}

/** By weight, the lightest first. */
const waiting: Waiting[] = [];
let spentMs = 0;
let isPaused = false;

/**
 * Runs work now or, during a pause, after it. Only the synchronous part of the work counts, not the promise that it may
 * return.
 * @param weigh returns the cost of the work in any unit. The lightest waiting work runs first; work of weight 0 never
 * waits.
 */
export function schedule<T>(weigh: () => number, work: () => T | Promise<T>): T | Promise<T> {
	const weight = isPaused ? weigh() : 0;
	if (weight === 0) return measured(work);
	return new Promise((resolve, reject) => {
		const begin = () => {
			try {
				resolve(measured(work));
			} catch (error) {
				reject(error);
			}
		};
		const heavier = waiting.findIndex((other) => other.weight > weight);
		waiting.splice(heavier === -1 ? waiting.length : heavier, 0, { weight, begin });
	});
}

function measured<T>(work: () => T): T {
	const began = performance.now();
	try {
		return work();
	} finally {
		spentMs += performance.now() - began;
		if (spentMs > SLICE_MS && !isPaused) pause();
	}
}

function pause(): void {
	isPaused = true;
	setImmediate(() => {
		setTimeout(resume, spentMs * PAUSE_FRACTION);
		spentMs = 0;
	});
}

function resume(): void {
	isPaused = false;
	while (!isPaused) {
		const next = waiting.shift();
		if (next === undefined) return;
		next.begin();
	}
}

/** Settles when all exclusive work queued so far has finished. */
let last: Promise<unknown> = Promise.resolve();

/** Runs work after all earlier exclusive work has finished, so that only one large body is in memory at a time. */
export function runExclusive<T>(work: () => T | Promise<T>): Promise<T> {
	const done = last.then(work);
	last = done.catch(() => {});
	return done;
}

const lightest = () => 1;

/** Runs the steps in slices, with pauses between them; exclusive, see `runExclusive`. */
export function runInSlices(steps: Iterator<unknown>): Promise<void> {
	return runExclusive(async () => {
		while (!(await schedule(lightest, () => runSlice(steps)))) {}
	});
}

/** Runs steps for one slice. Returns whether all are done. */
function runSlice(steps: Iterator<unknown>): boolean {
	const until = performance.now() + SLICE_MS;
	while (steps.next().done !== true) if (performance.now() >= until) return false;
	return true;
}
