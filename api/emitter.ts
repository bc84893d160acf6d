// An event emitter for a running proxy. An error of a listener becomes an `error` event and never affects the traffic.

/** The event that every emitter has. */
export interface ErrorEvents {
	error: Error;
}

/** An event as an object: its name as `kind`, its value as `value`. */
export type EventOf<Events extends ErrorEvents> = {
	[Kind in keyof Events]: { readonly kind: Kind; readonly value: Events[Kind] };
}[keyof Events];

type Listener = (value: never) => unknown;

export class Emitter<Events extends ErrorEvents> {
	readonly #listeners = new Map<keyof Events, Set<Listener>>();
	readonly #queues = new Set<EventQueue<EventOf<Events>>>();
	readonly #onInterest: (kind: keyof Events | null) => void;
	readonly #onFailure: (error: Error) => void;
	#isEnded = false;

	/**
	 * @param onInterest called with each kind that gets a listener; null: all kinds
	 * @param onFailure called with errors of listeners; default: emits an `error` event
	 */
	constructor(onInterest: (kind: keyof Events | null) => void = () => {}, onFailure?: (error: Error) => void) {
		this.#onInterest = onInterest;
		this.#onFailure = onFailure ?? ((error) => this.emit("error", error as Events["error"]));
	}

	/**
	 * Adds a listener and returns a function that removes it. `emit` does not wait for promises that listeners return; a
	 * rejection counts as an error of the listener.
	 */
	on<Kind extends keyof Events>(kind: Kind, listener: (value: Events[Kind]) => unknown): () => void {
		const listeners = this.#listeners.get(kind) ?? new Set();
		this.#listeners.set(kind, listeners);
		// the same function may be added twice
		const own: Listener = (value: Events[Kind]) => listener(value);
		listeners.add(own);
		this.#onInterest(kind);
		return () => void listeners.delete(own);
	}

	/**
	 * All events from now on, until the emitter ends or the signal is aborted. Unread events are queued in memory without
	 * limit.
	 */
	events(signal?: AbortSignal): AsyncIterableIterator<EventOf<Events>> {
		const queue: EventQueue<EventOf<Events>> = new EventQueue(() => {
			this.#queues.delete(queue);
			signal?.removeEventListener("abort", end);
		});
		const end = () => queue.end();
		if (this.#isEnded || signal?.aborted) queue.end();
		else {
			this.#queues.add(queue);
			signal?.addEventListener("abort", end);
			this.#onInterest(null);
		}
		return queue;
	}

	/** Calls the listeners of an event. Never throws. */
	emit<Kind extends keyof Events>(kind: Kind, value: Events[Kind]): void {
		for (const queue of this.#queues) queue.push({ kind, value } as EventOf<Events>);
		for (const listener of this.#listeners.get(kind) ?? [])
			void this.#call(kind, listener as (value: Events[Kind]) => unknown, value);
	}

	async #call<Kind extends keyof Events>(
		kind: Kind,
		listener: (value: Events[Kind]) => unknown,
		value: Events[Kind],
	): Promise<void> {
		try {
			await listener(value);
		} catch (error) {
			// a failing error listener must not call itself
			if (kind !== "error") this.#onFailure(errorOf(error));
		}
	}

	/** Ends all iterators after their queued events, and removes all listeners. */
	end(): void {
		this.#isEnded = true;
		for (const queue of this.#queues) queue.end();
		this.#listeners.clear();
	}
}

/** Wraps a thrown value in an Error unless it is one. */
export function errorOf(thrown: unknown): Error {
	return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

class EventQueue<T> implements AsyncIterableIterator<T> {
	readonly #onEnd: () => void;
	readonly #waiting: T[] = [];
	/** The pending calls of `next`. */
	readonly #reads: (() => void)[] = [];
	#isEnded = false;

	constructor(onEnd: () => void) {
		this.#onEnd = onEnd;
	}

	push(event: T): void {
		this.#waiting.push(event);
		this.#reads.shift()?.();
	}

	end(): void {
		if (this.#isEnded) return;
		this.#isEnded = true;
		this.#onEnd();
		for (const resume of this.#reads.splice(0)) resume();
	}

	async next(): Promise<IteratorResult<T, undefined>> {
		for (;;) {
			const event = this.#waiting.shift();
			if (event !== undefined) return { value: event, done: false };
			if (this.#isEnded) return { value: undefined, done: true };
			await new Promise<void>((resolve) => this.#reads.push(resolve));
		}
	}

	async return(): Promise<IteratorResult<T, undefined>> {
		this.end();
		this.#waiting.length = 0;
		return { value: undefined, done: true };
	}

	[Symbol.asyncIterator](): this {
		return this;
	}
}
