// The sessions of a replay by name. A client chooses the names, so their length and number are bounded. Unlike RecentMap,
// this map passes on the session that it forgets.
import { createHash } from "node:crypto";

/** Longer names are kept as their hash. Characters. */
const NAME_LIMIT = 128;
/** Number of sessions that are kept. */
export const SESSIONS_LIMIT = 10_000;

export class Sessions<S> {
	readonly #sessions = new Map<string, S>();
	readonly #create: () => S;
	readonly #onForgotten: (session: S) => void;
	#last: { readonly name: string; readonly session: S } | null = null;

	/** @param onForgotten called for each session that is forgotten */
	constructor(create: () => S, onForgotten: (session: S) => void) {
		this.#create = create;
		this.#onForgotten = onForgotten;
	}

	/** Returns the session with a name. A new one may replace the session that was not used for the longest time. */
	get(name: string): S {
		if (this.#last?.name === name) return this.#last.session;
		const key = name.length > NAME_LIMIT ? `#${createHash("sha256").update(name).digest("base64")}` : name;
		const known = this.#sessions.get(key);
		const session = known ?? this.#create();
		// a Map keeps the order of insertion, so the first session is the one to forget
		if (known !== undefined) this.#sessions.delete(key);
		else if (this.#sessions.size >= SESSIONS_LIMIT) this.#forgetOldest();
		this.#sessions.set(key, session);
		this.#last = { name, session };
		return session;
	}

	values(): IterableIterator<S> {
		return this.#sessions.values();
	}

	forgetAll(): void {
		for (const session of this.#sessions.values()) this.#onForgotten(session);
		this.#sessions.clear();
		this.#last = null;
	}

	#forgetOldest(): void {
		const [oldest] = this.#sessions;
		if (oldest === undefined) return;
		const [key, session] = oldest;
		this.#onForgotten(session);
		this.#sessions.delete(key);
	}
}
