// What is recorded goes to the file soon, however little it is: whoever kills the process loses what came in the last moments, no more.

/** The longest that a flow is held back, in milliseconds. */
const SOON_MS = 400;

export class Soon {
	readonly #flush: (() => Promise<void>) | null;
	#timer: NodeJS.Timeout | null = null;
	#failure: unknown = null;

	/** @param flush writes what was gathered; null where nothing is in a hurry */
	constructor(flush: (() => Promise<void>) | null) {
		this.#flush = flush;
	}

	/** Something was taken. @throws the error of writing what came before */
	touch(): void {
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
		}, SOON_MS);
		// the end of the recording writes the rest
		this.#timer.unref();
	}

	/** From here on nothing is written by itself. */
	stop(): void {
		if (this.#timer !== null) clearTimeout(this.#timer);
		this.#timer = null;
	}

	/** Writes the last with `close`. @throws its error, or that of writing what came before */
	async end(close: () => Promise<void>): Promise<void> {
		this.stop();
		await close();
		if (this.#failure !== null) throw this.#failure;
	}
}
