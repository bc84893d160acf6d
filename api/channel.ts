// A channel between a producer and a consumer. The producer can wait until the consumer has taken an item.

interface Waiting<T> {
	item: T;
	taken: () => void;
}

export class Channel<T> implements AsyncIterable<T> {
	readonly #waiting: Waiting<T>[] = [];
	#isFinished = false;
	#isAbandoned = false;
	#wake: () => void = () => {};

	/** Offers an item. Resolves when the consumer has taken it, or the channel is canceled. */
	send(item: T): Promise<void> {
		if (this.#isAbandoned) return Promise.resolve();
		return new Promise((taken) => {
			this.#waiting.push({ item, taken });
			this.#wake();
		});
	}

	/** Ends iteration after the pending items. */
	close(): void {
		this.#isFinished = true;
		this.#wake();
	}

	/** Drops the pending items, resolves their `send`, and ends iteration. */
	cancel(): void {
		this.#isAbandoned = true;
		for (const { taken } of this.#waiting.splice(0)) taken();
		this.close();
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
		for (;;) {
			const next = this.#waiting.shift();
			if (next !== undefined) {
				next.taken();
				yield next.item;
			} else if (this.#isFinished) return;
			else
				await new Promise<void>((resolve) => {
					this.#wake = resolve;
				});
		}
	}
}
