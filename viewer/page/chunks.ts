// Rows that were fetched, in chunks. One request runs at a time, for the chunk that is in sight now.

/** Rows in a chunk. */
export const CHUNK = 100;
/** Chunks that are kept. */
const MAX_CHUNKS = 50;

export class Chunks<R> {
	readonly #fetch: (from: number, count: number) => Promise<readonly R[]>;
	readonly #onRows: () => void;
	readonly #chunks = new Map<number, readonly R[]>();
	#wanted: number[] = [];
	/** The rows that were wanted last. */
	#sight: readonly [from: number, count: number] = [0, 0];
	#isFetching = false;
	#isEnded = false;

	constructor(fetch: (from: number, count: number) => Promise<readonly R[]>, onRows: () => void) {
		this.#fetch = fetch;
		this.#onRows = onRows;
	}

	/** A row; undefined: it was not fetched yet. */
	at(index: number): R | undefined {
		return this.#chunks.get(Math.floor(index / CHUNK))?.[index % CHUNK];
	}

	/** Fetches the chunks with these rows unless they are there. A newer wish replaces an older one. */
	want(from: number, count: number): void {
		this.#sight = [from, count];
		const wanted: number[] = [];
		for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < from + count; chunk++)
			if (!this.#chunks.has(chunk)) wanted.push(chunk);
		this.#wanted = wanted;
		if (!this.#isFetching) void this.#next();
	}

	/** Fetches the rows that another list shows, before this one replaces it. */
	async prepareFor(other: Chunks<R>): Promise<void> {
		const [from, count] = other.#sight;
		for (let chunk = Math.floor(from / CHUNK); chunk * CHUNK < from + count; chunk++)
			this.#chunks.set(chunk, await this.#fetch(chunk * CHUNK, CHUNK));
	}

	/** Forgets chunks from a row on: the list has grown there. */
	forgetFrom(row: number): void {
		for (const chunk of this.#chunks.keys()) if ((chunk + 1) * CHUNK > row) this.#chunks.delete(chunk);
	}

	/** Ignores answers that are still to come. */
	end(): void {
		this.#isEnded = true;
	}

	async #next(): Promise<void> {
		const chunk = this.#wanted.shift();
		if (chunk === undefined) return;
		this.#isFetching = true;
		try {
			const rows = await this.#fetch(chunk * CHUNK, CHUNK);
			if (this.#isEnded) return;
			this.#chunks.set(chunk, rows);
			for (const eldest of this.#chunks.keys()) {
				if (this.#chunks.size <= MAX_CHUNKS) break;
				this.#chunks.delete(eldest);
			}
			this.#onRows();
		} catch {
			// the connection reports the failure; scrolling asks again
		} finally {
			this.#isFetching = false;
		}
		await this.#next();
	}
}
