// Work that takes its time, such as searching a large body: one piece after the other, and between two of them others have their turn.

/** So much work may be done at once. Milliseconds. */
const AT_ONCE_MS = 20;
/** Of the time that work took, the others have this part before the next one: an exchange of theirs takes several turns of the event loop. */
const REST = 1 / 2;

interface Waiting {
	readonly weight: number;
	readonly begin: () => void;
}

/** The lightest first. */
const waiting: Waiting[] = [];
let spentMs = 0;
let isResting = false;

/**
 * Does some work now, or when it is its turn. What work returns as a promise is no part of it.
 * @param weigh of work that waits the lightest comes first; what weighs 0 never waits
 */
export function inTurn<T>(weigh: () => number, work: () => T | Promise<T>): T | Promise<T> {
	const weight = isResting ? weigh() : 0;
	if (weight === 0) return measured(work);
	return new Promise((resolve, reject) => {
		const begin = () => {
			try {
				resolve(measured(work));
			} catch (error) {
				reject(error);
			}
		};
		const behind = waiting.findIndex((other) => other.weight > weight);
		waiting.splice(behind === -1 ? waiting.length : behind, 0, { weight, begin });
	});
}

function measured<T>(work: () => T): T {
	const began = performance.now();
	try {
		return work();
	} finally {
		spentMs += performance.now() - began;
		if (spentMs > AT_ONCE_MS && !isResting) rest();
	}
}

function rest(): void {
	isResting = true;
	setImmediate(() => {
		setTimeout(goOn, spentMs * REST);
		spentMs = 0;
	});
}

function goOn(): void {
	isResting = false;
	while (!isResting) {
		const next = waiting.shift();
		if (next === undefined) return;
		next.begin();
	}
}

/** The last of what is done one by one. */
let last: Promise<unknown> = Promise.resolve();

/** Begins once all that came earlier has been done: what is large shall not be in memory many times. */
export function oneByOne<T>(work: () => T | Promise<T>): Promise<T> {
	const done = last.then(work);
	last = done.catch(() => {});
	return done;
}

const lightest = () => 1;

/** Work in steps, one by one with all other such work, each step in its turn. */
export function inSteps(steps: Iterator<unknown>): Promise<void> {
	return oneByOne(async () => {
		while (!(await inTurn(lightest, () => doSteps(steps)))) {}
	});
}

/** As many as may be done at once. Whether they were the last ones. */
function doSteps(steps: Iterator<unknown>): boolean {
	const until = performance.now() + AT_ONCE_MS;
	while (steps.next().done !== true) if (performance.now() >= until) return false;
	return true;
}
