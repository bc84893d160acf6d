// A map that forgets: what was set or asked for lately is there, what is older may be gone. In two generations, because a Map from
// which the first entry is deleted again and again takes longer each time.

export class RecentMap<K, V> {
	readonly #limit: number;
	readonly #weigh: (value: V) => number;
	#young = new Map<K, V>();
	#old: ReadonlyMap<K, V> = new Map();
	#weight = 0;

	/** Remembers the latest entries that weigh at least `limit` together, and at most twice that. By default each weighs 1. */
	constructor(limit: number, weigh: (value: V) => number = () => 1) {
		this.#limit = limit;
		this.#weigh = weigh;
	}

	get(key: K): V | undefined {
		const young = this.#young.get(key);
		if (young !== undefined) return young;
		const old = this.#old.get(key);
		if (old !== undefined) this.set(key, old);
		return old;
	}

	set(key: K, value: V): void {
		const weight = this.#weigh(value);
		if (this.#weight + weight > this.#limit) {
			this.#old = this.#young;
			this.#young = new Map();
			this.#weight = 0;
		}
		this.#young.set(key, value);
		this.#weight += weight;
	}
}
