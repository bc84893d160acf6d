// Events of a running proxy for the program that runs it: what its listeners throw is an event too, and no matter of the traffic.

/** What there may be besides events of one's own. */
export interface ErrorEvents {
	error: Error;
}

/** An event with its name. */
export type EventOf<Events extends ErrorEvents> = { [Kind in keyof Events]: { readonly kind: Kind; readonly value: Events[Kind] } }[keyof Events];

type Listener = (value: never) => unknown;

export class Emitter<Events extends ErrorEvents> {
	readonly #listeners = new Map<keyof Events, Set<Listener>>();
	readonly #queues = new Set<EventQueue<EventOf<Events>>>();
	readonly #onInterest: (kind: keyof Events | null) => void;
	readonly #onFailure: (error: Error) => void;
	#isEnded = false;

	/**
	 * @param onInterest told of each kind that somebody begins to listen to; null: all kinds
	 * @param onFailure told of what listeners throw; default: it is an event
	 */
	constructor(onInterest: (kind: keyof Events | null) => void = () => {}, onFailure?: (error: Error) => void) {
		this.#onInterest = onInterest;
		this.#onFailure = onFailure ?? ((error) => this.emit("error", error as Events["error"]));
	}

	/** Listens to one kind of event; what comes back ends it. Listeners are not waited for. */
	on<Kind extends keyof Events>(kind: Kind, listener: (value: Events[Kind]) => unknown): () => void {
		const listeners = this.#listeners.get(kind) ?? new Set();
		this.#listeners.set(kind, listeners);
		// the same function may listen twice
		const own: Listener = (value: Events[Kind]) => listener(value);
		listeners.add(own);
		this.#onInterest(kind);
		return () => void listeners.delete(own);
	}

	/** All events from now on, until the emitter ends or the signal is aborted. They wait in memory until they are asked for. */
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

	/** Never throws. */
	emit<Kind extends keyof Events>(kind: Kind, value: Events[Kind]): void {
		for (const queue of this.#queues) queue.add({ kind, value } as EventOf<Events>);
		for (const listener of this.#listeners.get(kind) ?? []) void this.#call(kind, listener as (value: Events[Kind]) => unknown, value);
	}

	async #call<Kind extends keyof Events>(kind: Kind, listener: (value: Events[Kind]) => unknown, value: Events[Kind]): Promise<void> {
		try {
			await listener(value);
		} catch (error) {
			// one that fails at errors would fail at its own
			if (kind !== "error") this.#onFailure(errorOf(error));
		}
	}

	/** No more events come: whoever waits for one is told. */
	end(): void {
		this.#isEnded = true;
		for (const queue of this.#queues) queue.end();
		this.#listeners.clear();
	}
}

/** What was thrown, as an error. */
export function errorOf(thrown: unknown): Error {
	return thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown });
}

class EventQueue<T> implements AsyncIterableIterator<T> {
	readonly #onEnd: () => void;
	readonly #waiting: T[] = [];
	#isEnded = false;
	#wake: (() => void) | null = null;

	constructor(onEnd: () => void) {
		this.#onEnd = onEnd;
	}

	add(event: T): void {
		this.#waiting.push(event);
		this.#wake?.();
	}

	end(): void {
		if (this.#isEnded) return;
		this.#isEnded = true;
		this.#onEnd();
		this.#wake?.();
	}

	async next(): Promise<IteratorResult<T, undefined>> {
		for (;;) {
			const event = this.#waiting.shift();
			if (event !== undefined) return { value: event, done: false };
			if (this.#isEnded) return { value: undefined, done: true };
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
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
