// A map from integers to integers of at least 0, in a tenth of the memory of a Map.

/** Stands for no value. */
const NONE = -1;
const FIRST_SLOTS = 64;

export class IntegerMap {
	/** Key and value of each slot, side by side. Their number is a power of two. */
	#slots = new Int32Array(2 * FIRST_SLOTS).fill(NONE);
	#size = 0;

	get size(): number {
		return this.#size;
	}

	/** The value of a key; -1: there is none. */
	get(key: number): number {
		return this.#slots[this.#slotOf(key) + 1] as number;
	}

	set(key: number, value: number): void {
		const slot = this.#slotOf(key);
		if (this.#slots[slot + 1] === NONE && ++this.#size * 4 > this.#slots.length) {
			this.#grow();
			this.set(key, value);
			return;
		}
		this.#slots[slot] = key;
		this.#slots[slot + 1] = value;
	}

	*keys(): Generator<number> {
		for (let slot = 0; slot < this.#slots.length; slot += 2)
			if (this.#slots[slot + 1] !== NONE) yield this.#slots[slot] as number;
	}

	/** The offset of the slot with this key, or of the free slot for it. */
	#slotOf(key: number): number {
		const slots = this.#slots;
		const last = slots.length - 1;
		const wanted = key | 0;
		let slot = (Math.imul(wanted ^ (wanted >>> 16), 0x9e3779b1) >>> 7) * 2;
		for (slot &= last; slots[slot + 1] !== NONE && slots[slot] !== wanted; ) slot = (slot + 2) & last;
		return slot;
	}

	#grow(): void {
		const old = this.#slots;
		this.#slots = new Int32Array(2 * old.length).fill(NONE);
		this.#size = 0;
		for (let slot = 0; slot < old.length; slot += 2)
			if (old[slot + 1] !== NONE) this.set(old[slot] as number, old[slot + 1] as number);
	}
}
