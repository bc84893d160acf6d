// A bounded map of recently used entries; older ones are evicted. It has two generations, because deleting a Map's
// first entry over and over gets slower each time.

export class RecentMap<K, V> {
	readonly #limit: number;
	readonly #weigh: (value: V) => number;
	#young = new Map<K, V>();
	#old = new Map<K, V>();
	#weight = 0;

	/**
	 * Keeps the most recently used entries, up to a total weight between `limit` and `2 * limit`. By default each entry
	 * weighs 1.
	 */
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

	delete(key: K): void {
		this.#young.delete(key);
		this.#old.delete(key);
	}
}
