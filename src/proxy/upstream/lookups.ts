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
	readonly isWanted: () => boolean;
	readonly done: Callback;
}

export class Lookups {
	readonly #lookup: LookupFunction;
	/** The clients of running lookups, and the callbacks, by name and options. */
	readonly #running = new Map<string, { readonly client: string; readonly callbacks: Callback[] }>();
	/** Lookups that wait, by client. The client whose turn is next is first. */
	readonly #waiting = new Map<string, Waiting[]>();
	/** Names that were found, which are unlikely to hang. */
	readonly #known = new RecentMap<string, true>(KNOWN_NAMES);

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
			const waiting = this.#waiting.get(client) ?? [];
			waiting.push({ name, options, isWanted, done });
			this.#waiting.set(client, waiting);
			this.#startNext();
		};
	}

	/** Starts lookups while there are free slots. */
	#startNext(): void {
		for (const [client, all] of [...this.#waiting]) {
			const rest = all.filter((each) => each.isWanted() && !this.#join(each));
			const next = rest.findIndex(({ name }) => this.#mayStart(client, name));
			const [started] = next === -1 ? [] : rest.splice(next, 1);
			// a client whose lookup starts goes to the end of the queue
			if (started !== undefined || rest.length === 0) this.#waiting.delete(client);
			if (rest.length > 0) this.#waiting.set(client, rest);
			if (started !== undefined) this.#start(client, started);
		}
	}

	/** Waits for a running lookup of the same name. False: there is none. */
	#join({ name, options, done }: Waiting): boolean {
		const running = this.#running.get(keyOf(name, options));
		running?.callbacks.push(done);
		return running !== undefined;
	}

	/** One slot is left to other clients, except for names that are unlikely to hang. */
	#mayStart(client: string, name: string): boolean {
		if (this.#running.size >= SLOTS) return false;
		if (this.#known.get(name) === true || staysHere(name)) return true;
		return [...this.#running.values()].every((running) => running.client !== client);
	}

	#start(client: string, { name, options, done }: Waiting): void {
		const key = keyOf(name, options);
		const callbacks = [done];
		this.#running.set(key, { client, callbacks });
		this.#lookup(name, options, (error, address, family) => {
			this.#running.delete(key);
			if (error === null) this.#known.set(name, true);
			this.#startNext();
			for (const callback of callbacks) callback(error, address, family);
		});
	}
}

function keyOf(name: string, { family, hints, all }: Waiting["options"]): string {
	return [name, family, hints, all].join(" ");
}
