// The sessions of a replay by name. Clients choose the names, so the number of sessions is bounded.

/** Number of sessions that are kept at a time. Clients with other names share the session without a name. */
export const SESSIONS_LIMIT = 10_000;

const NAMELESS = "";

export class Sessions<S> {
	readonly #sessions = new Map<string, S>();
	readonly #create: (name: string) => S;
	readonly #onForgotten: (session: S) => void;
	#last: { readonly name: string; readonly session: S } | null = null;

	/** @param onForgotten called for each session that is forgotten */
	constructor(create: (name: string) => S, onForgotten: (session: S) => void) {
		this.#create = create;
		this.#onForgotten = onForgotten;
	}

	/** Returns the session with a name; if there are too many, the one without a name. */
	get(name: string): S {
		if (this.#last?.name === name) return this.#last.session;
		let session = this.#sessions.get(name);
		if (session === undefined) {
			if (name !== NAMELESS && this.#sessions.size >= SESSIONS_LIMIT) return this.get(NAMELESS);
			session = this.#create(name);
			this.#sessions.set(name, session);
		}
		this.#last = { name, session };
		return session;
	}

	values(): IterableIterator<S> {
		return this.#sessions.values();
	}

	/** Forgets a session: if its name is used again, it begins anew. */
	forget(name: string): void {
		const session = this.#sessions.get(name);
		if (session === undefined) return;
		this.#onForgotten(session);
		this.#sessions.delete(name);
		this.#last = null;
	}

	forgetAll(): void {
		for (const session of this.#sessions.values()) this.#onForgotten(session);
		this.#sessions.clear();
		this.#last = null;
	}
}
