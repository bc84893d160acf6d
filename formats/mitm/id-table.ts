// A compact hash table of the ids of a dump's flows and the offsets of their records.

/**
 * The last offset of each id, in 16 bytes per slot. Ids are stored as 53-bit hashes, so callers must compare the ids of
 * a match.
 */
export class IdTable {
	/** Hashes and offsets alternately; a hash of 0 is a free slot. */
	#slots = new Float64Array(2 * 4096);
	#used = 0;

	/** The number of ids. */
	get size(): number {
		return this.#used;
	}

	/** The last offset of the id; null if there is none. */
	get(id: string): number | null {
		const at = this.#find(hashOf(id));
		return this.#slots[at] === 0 ? null : (this.#slots[at + 1] as number);
	}

	/** Sets the offset of the id and returns the previous one; null if there was none. */
	set(id: string, offset: number): number | null {
		if (this.#used * 3 > this.#slots.length) this.#grow();
		return this.#put(hashOf(id), offset);
	}

	/** The slot of the hash, or the free one for it. */
	#find(hash: number): number {
		const slots = this.#slots;
		const mask = slots.length - 1;
		let at = ((hash >>> 0) << 1) & mask;
		while (slots[at] !== 0 && slots[at] !== hash) at = (at + 2) & mask;
		return at;
	}

	#put(hash: number, offset: number): number | null {
		const slots = this.#slots;
		const at = this.#find(hash);
		const before = slots[at] === 0 ? null : (slots[at + 1] as number);
		if (before === null) this.#used++;
		slots[at] = hash;
		slots[at + 1] = offset;
		return before;
	}

	#grow(): void {
		const old = this.#slots;
		this.#slots = new Float64Array(old.length * 2);
		this.#used = 0;
		for (let at = 0; at < old.length; at += 2) if (old[at] !== 0) this.#put(old[at] as number, old[at + 1] as number);
	}
}

/** From 1 to 2^53. */
function hashOf(text: string): number {
	let low = 0x811c9dc5;
	let high = 0x41c6ce57;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		low = Math.imul(low ^ code, 0x9e3779b1);
		high = Math.imul(high ^ code, 0x5f356495);
		low ^= low >>> 15;
		high ^= high >>> 13;
	}
	return ((high >>> 0) & 0x1fffff) * 2 ** 32 + (low >>> 0) + 1;
}
