// A compact table from keys to sequence numbers for millions of flows: sorted typed arrays, 20 bytes per flow.
import { endianness } from "node:os";

/** Which half of a 64-bit number comes first in memory. */
const [INDEX, HASH] = endianness() === "LE" ? [0, 1] : [1, 0];

/** Keys are 16 hexadecimal digits, see `hash64`. Add all entries by ascending sequence number, then search. */
export class KeyTable {
	#size = 0;
	/** The first half of the key and the index of the entry as one number, so that entries sort by key, then by index. */
	#entries = new BigUint64Array(1024);
	#lanes = new Uint32Array(this.#entries.buffer);
	/** The second half of the key, by index. */
	#rest = new Uint32Array(1024);
	#seqs = new Float64Array(1024);
	#isSorted = false;

	get size(): number {
		return this.#size;
	}

	/** Sequence numbers must ascend. */
	add(key: string, seq: number): void {
		if (this.#size === this.#rest.length) this.#grow();
		const index = this.#size++;
		this.#lanes[index * 2 + INDEX] = index;
		this.#lanes[index * 2 + HASH] = firstHalf(key);
		this.#rest[index] = secondHalf(key);
		this.#seqs[index] = seq;
		this.#isSorted = false;
	}

	/** The sequence numbers greater than `after` with this key, ascending, at most `limit`. */
	find(key: string, after: number, limit: number): number[] {
		this.#sort();
		const [hash, rest] = [firstHalf(key), secondHalf(key)];
		const found: number[] = [];
		for (let at = this.#search(hash, this.#firstIndexAfter(after)); at < this.#size && found.length < limit; at++) {
			if (this.#lanes[at * 2 + HASH] !== hash) break;
			const index = this.#lanes[at * 2 + INDEX] as number;
			if (this.#rest[index] === rest) found.push(this.#seqs[index] as number);
		}
		return found;
	}

	#grow(): void {
		const length = this.#rest.length * 2;
		const [entries, rest, seqs] = [new BigUint64Array(length), new Uint32Array(length), new Float64Array(length)];
		entries.set(this.#entries);
		rest.set(this.#rest);
		seqs.set(this.#seqs);
		[this.#entries, this.#rest, this.#seqs] = [entries, rest, seqs];
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

	#firstIndexAfter(seq: number): number {
		return seq < 0 ? 0 : lowest(this.#size, (index) => (this.#seqs[index] as number) > seq);
	}
}

function firstHalf(key: string): number {
	return Number.parseInt(key.slice(0, 8), 16);
}

function secondHalf(key: string): number {
	return Number.parseInt(key.slice(8), 16);
}

/**
 * Binary search: the lowest number from 0 to size - 1 for which a monotonic condition holds; `size` if it holds for
 * none.
 */
function lowest(size: number, holds: (at: number) => boolean): number {
	let [low, high] = [0, size];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}
