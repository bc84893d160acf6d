// Flushes a recording to its file shortly after each flow. A killed process then loses only the flows of the last
// moments.
import { after, type MaybeAsync } from "../src/maybe-async.ts";

/** Maximum delay of a flow, in milliseconds. */
const FLUSH_MS = 400;

export class FlushTimer {
	readonly #flush: (() => Promise<void>) | null;
	#timer: NodeJS.Timeout | null = null;
	#failure: unknown = null;

	/** @param flush writes buffered data; null: never flush early */
	constructor(flush: (() => Promise<void>) | null) {
		this.#flush = flush;
	}

	/**
	 * Schedules a flush once a flow has been appended, because a flow that is appended in pieces may take longer than the
	 * delay.
	 * @param appended the result of appending it
	 * @returns the same, or the error of an earlier flush
	 */
	flushAfter(appended: MaybeAsync): MaybeAsync {
		return after(appended, () => this.schedule());
	}

	/** Call after each flow. @throws the error of an earlier flush */
	schedule(): void {
		if (this.#failure !== null) {
			const failure = this.#failure;
			this.#failure = null;
			throw failure;
		}
		const flush = this.#flush;
		if (flush === null || this.#timer !== null) return;
		this.#timer = setTimeout(() => {
			this.#timer = null;
			flush().catch((error: unknown) => {
				this.#failure = error;
			});
		}, FLUSH_MS);
		// closing the recording writes the rest
		this.#timer.unref();
	}

	/** Cancels the timer. */
	cancel(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}

	/** Cancels the timer and runs `close`. @throws its error, or the one of an earlier flush */
	async close(close: () => Promise<void>): Promise<void> {
		this.cancel();
		await close();
		if (this.#failure !== null) throw this.#failure;
	}
}
