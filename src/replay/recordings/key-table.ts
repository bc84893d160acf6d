// Which places have a key, for millions of them: sorted numbers instead of objects, 20 bytes a place.

/** Which half of a 64-bit number stands first in memory. */
const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;
const [INDEX, HASH] = IS_LITTLE_ENDIAN ? [0, 1] : [1, 0];

/** Keys of 16 hexadecimal digits, as `hash64` makes them. Add all, in the order of the places; then find. */
export class KeyTable {
	#size = 0;
	/** The first half of the key, above the index of the entry: as one number they sort by key, then by order. */
	#entries = new BigUint64Array(1024);
	#lanes = new Uint32Array(this.#entries.buffer);
	/** The second half of the key, by index. */
	#rest = new Uint32Array(1024);
	#places = new Float64Array(1024);
	#isSorted = false;

	get size(): number {
		return this.#size;
	}

	/** Places must ascend. */
	add(key: string, place: number): void {
		if (this.#size === this.#rest.length) this.#grow();
		const index = this.#size++;
		this.#lanes[index * 2 + INDEX] = index;
		this.#lanes[index * 2 + HASH] = firstHalf(key);
		this.#rest[index] = secondHalf(key);
		this.#places[index] = place;
		this.#isSorted = false;
	}

	/** Places with this key after `after`, in order, at most `limit`. */
	find(key: string, after: number, limit: number): number[] {
		this.#sort();
		const [hash, rest] = [firstHalf(key), secondHalf(key)];
		const found: number[] = [];
		for (let at = this.#search(hash, this.#firstIndexAfter(after)); at < this.#size && found.length < limit; at++) {
			if (this.#lanes[at * 2 + HASH] !== hash) break;
			const index = this.#lanes[at * 2 + INDEX] as number;
			if (this.#rest[index] === rest) found.push(this.#places[index] as number);
		}
		return found;
	}

	#grow(): void {
		const length = this.#rest.length * 2;
		const [entries, rest, places] = [new BigUint64Array(length), new Uint32Array(length), new Float64Array(length)];
		entries.set(this.#entries);
		rest.set(this.#rest);
		places.set(this.#places);
		[this.#entries, this.#rest, this.#places] = [entries, rest, places];
		this.#lanes = new Uint32Array(entries.buffer);
	}

	#sort(): void {
		if (this.#isSorted) return;
		this.#entries.subarray(0, this.#size).sort();
		this.#isSorted = true;
	}

	/** The first entry at or after this hash and index. */
	#search(hash: number, index: number): number {
		return lowest(this.#size, (at) => {
			const other = this.#lanes[at * 2 + HASH] as number;
			return other > hash || (other === hash && (this.#lanes[at * 2 + INDEX] as number) >= index);
		});
	}

	#firstIndexAfter(place: number): number {
		return place < 0 ? 0 : lowest(this.#size, (index) => (this.#places[index] as number) > place);
	}
}

function firstHalf(key: string): number {
	return Number.parseInt(key.slice(0, 8), 16);
}

function secondHalf(key: string): number {
	return Number.parseInt(key.slice(8), 16);
}

/** The lowest of 0 … size for which a condition holds that holds for all above; `size` where it holds for none. */
function lowest(size: number, holds: (at: number) => boolean): number {
	let [low, high] = [0, size];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}
