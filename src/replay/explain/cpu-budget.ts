// A token bucket for CPU time: a burst, then a fixed fraction of wall time.

export class CpuBudget {
	readonly #maxMs: number;
	readonly #share: number;
	readonly #now: () => number;
	#leftMs: number;
	#at: number;

	/**
	 * @param maxMs size of the burst in milliseconds
	 * @param share fraction of wall time
	 * @param now milliseconds of a monotonic clock
	 */
	constructor(maxMs: number, share: number, now: () => number = () => performance.now()) {
		this.#maxMs = maxMs;
		this.#share = share;
		this.#now = now;
		this.#leftMs = maxMs;
		this.#at = now();
	}

	get isSpent(): boolean {
		const now = this.#now();
		this.#leftMs = Math.min(this.#maxMs, this.#leftMs + (now - this.#at) * this.#share);
		this.#at = now;
		return this.#leftMs <= 0;
	}

	/** Runs work and charges its time to the budget. */
	spend<T>(work: () => T): T {
		const started = this.#now();
		try {
			return work();
		} finally {
			this.#leftMs -= this.#now() - started;
		}
	}
}
