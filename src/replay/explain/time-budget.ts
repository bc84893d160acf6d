// Bounds the time that something may take of a process's whole: so much at once, and from then on a share of the time that passes.

export class CpuBudget {
	readonly #mostMs: number;
	readonly #share: number;
	readonly #now: () => number;
	#leftMs: number;
	#at: number;

	/** @param now milliseconds of a clock that does not jump */
	constructor(mostMs: number, share: number, now: () => number = () => performance.now()) {
		this.#mostMs = mostMs;
		this.#share = share;
		this.#now = now;
		this.#leftMs = mostMs;
		this.#at = now();
	}

	get isSpent(): boolean {
		const now = this.#now();
		this.#leftMs = Math.min(this.#mostMs, this.#leftMs + (now - this.#at) * this.#share);
		this.#at = now;
		return this.#leftMs <= 0;
	}

	/** Does work that takes from the allowance. */
	spend<T>(work: () => T): T {
		const started = this.#now();
		try {
			return work();
		} finally {
			this.#leftMs -= this.#now() - started;
		}
	}
}
