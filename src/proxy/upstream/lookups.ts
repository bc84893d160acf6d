// Looks up the addresses of servers. The system runs only two lookups at a time, and one that hangs cannot be cancelled.
// So clients take turns, and a lookup that nobody waits for any more never starts.
import type { LookupFunction } from "node:net";
import { staysHere } from "../../flow/loopback.ts";
import { RecentMap } from "../../flow/recent-map.ts";

/** Lookups that run at the same time: half of the threads of libuv's pool. */
const SLOTS = 2;
/** Number of names that are remembered. */
const KNOWN_NAMES = 10_000;

type Callback = Parameters<LookupFunction>[2];

interface Waiting {
	readonly name: string;
	readonly options: Parameters<LookupFunction>[1];
	/** Lookups with equal keys have the same result. */
	readonly key: string;
	readonly isWanted: () => boolean;
	readonly done: Callback;
}

export class Lookups {
	readonly #lookup: LookupFunction;
	/** The clients of running lookups, and the callbacks, by key. */
	readonly #running = new Map<string, { readonly client: string; readonly callbacks: Callback[] }>();
	/**
	 * Lookups that wait, by client. The client whose turn is next is first. None of them can start before a running one
	 * ends.
	 */
	readonly #waiting = new Map<string, Waiting[]>();
	/** Names that were found, which are unlikely to hang. */
	readonly #known = new RecentMap<string, true>(KNOWN_NAMES);
	#firstClient: string | null = null;
	/** Whether there is more than one client. */
	#isShared = false;

	/** @param lookup the system's lookup */
	constructor(lookup: LookupFunction) {
		this.#lookup = lookup;
	}

	/**
	 * The `lookup` option for a socket.
	 * @param client identifies the client
	 * @param isWanted whether somebody still waits for the result; if not, the callback is not called
	 */
	for(client: string, isWanted: () => boolean): LookupFunction {
		return (name, options, done) => {
			this.#firstClient ??= client;
			this.#isShared ||= client !== this.#firstClient;
			const lookup = { name, options, key: keyOf(name, options), isWanted, done };
			if (this.#join(lookup)) return;
			if (this.#mayStart(client, name)) this.#start(client, lookup);
			else this.#queueOf(client).push(lookup);
		};
	}

	#queueOf(client: string): Waiting[] {
		const queue = this.#waiting.get(client) ?? [];
		this.#waiting.set(client, queue);
		return queue;
	}

	/** Starts lookups while there are free slots. A client whose lookup starts goes to the end of the queue. */
	#startWaiting(): void {
		// A Map visits entries that are added at its end meanwhile, so a client can have several turns.
		for (const [client, queue] of this.#waiting) {
			const left = queue.filter((each) => each.isWanted() && !this.#join(each));
			const next = left.findIndex(({ name }) => this.#mayStart(client, name));
			const [started] = next === -1 ? [] : left.splice(next, 1);
			if (started !== undefined || left.length === 0) this.#waiting.delete(client);
			if (left.length > 0) this.#waiting.set(client, left);
			if (started !== undefined) this.#start(client, started);
		}
	}

	/** Waits for a running lookup with the same key. False: there is none. */
	#join({ key, done }: Waiting): boolean {
		const running = this.#running.get(key);
		running?.callbacks.push(done);
		return running !== undefined;
	}

	/** If there are several clients, one slot is left to the others, except for names that are unlikely to hang. */
	#mayStart(client: string, name: string): boolean {
		if (this.#running.size >= SLOTS) return false;
		if (!this.#isShared || this.#known.get(name) === true || staysHere(name)) return true;
		return [...this.#running.values()].every((running) => running.client !== client);
	}

	#start(client: string, { name, options, key, done }: Waiting): void {
		const callbacks = [done];
		this.#running.set(key, { client, callbacks });
		this.#lookup(name, options, (error, address, family) => {
			this.#running.delete(key);
			if (error === null) this.#known.set(name, true);
			this.#startWaiting();
			for (const callback of callbacks) callback(error, address, family);
		});
	}
}

function keyOf(name: string, { family, hints, all }: Waiting["options"]): string {
	return [name, family, hints, all].join(" ");
}
