// Finds many literal patterns in bytes at once (Aho-Corasick): one table lookup per byte, however many patterns.
import type { ByteString } from "../flow/bytes.ts";

/**
 * Called for each occurrence: the index of the pattern, and the offset after its last byte. true: stop the scan.
 */
export type OnMatch = (index: number, end: number) => boolean | undefined;

/** The states while the table is built. State 0 is the root: nothing is matched so far. */
interface Trie {
	/** For each state, the next state by byte class; -1: none. */
	next: Int32Array[];
	/** For each state, the indexes of the patterns that end there. */
	ends: number[][];
}

export class Automaton {
	/** The class of each byte. Bytes that are in no pattern share class 0. */
	readonly #classes = new Uint8Array(256);
	/** The next state, by state plus class. States are multiples of the number of classes. */
	readonly #next: Int32Array;
	/** The indexes of the patterns that end in a state, by `state / width`. */
	readonly #ends: readonly (readonly number[])[];
	/** Patterns end in this state and in all higher ones. */
	readonly #firstEnd: number;
	readonly #width: number;

	/**
	 * @param patterns bytes, or text of which the UTF-8 bytes count; none may be empty
	 * @param ignoreCase ignore the case of the letters A to Z
	 */
	constructor(patterns: readonly (string | Uint8Array)[], { ignoreCase = false } = {}) {
		const fold = (byte: number) => (ignoreCase && byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
		const texts = patterns.map((pattern) => Buffer.from(pattern as string).map(fold));
		const alphabet = [...new Set(texts.flatMap((text) => [...text]))].sort((a, b) => a - b);
		for (let byte = 0; byte < 256; byte++) this.#classes[byte] = alphabet.indexOf(fold(byte)) + 1;
		this.#width = alphabet.length + 1;
		const trie = this.#trieOf(texts);
		completeTransitions(trie, this.#width);
		// states in which patterns end come last, so that one comparison finds them
		const isEnd = (state: number) => Number((trie.ends[state] as number[]).length > 0);
		const order = [...trie.next.keys()].sort((a, b) => isEnd(a) - isEnd(b) || a - b);
		const position = new Int32Array(order.length);
		for (const [at, state] of order.entries()) position[state] = at * this.#width;
		this.#next = new Int32Array(order.length * this.#width);
		for (const [at, state] of order.entries())
			this.#next.set(
				(trie.next[state] as Int32Array).map((to) => position[to] as number),
				at * this.#width,
			);
		this.#ends = order.map((state) => trie.ends[state] as number[]);
		const firstEnd = order.findIndex(isEnd);
		this.#firstEnd = (firstEnd < 0 ? order.length : firstEnd) * this.#width;
	}

	/** Reports all occurrences that lie in `bytes[from, to)`, in the order of their ends, the longest first. */
	scan(bytes: Uint8Array, from: number, to: number, onMatch: OnMatch): void {
		const [classes, next, firstEnd] = [this.#classes, this.#next, this.#firstEnd];
		let state = 0;
		for (let at = from; at < to; at++) {
			state = next[state + (classes[bytes[at] as number] as number)] as number;
			if (state >= firstEnd)
				for (const index of this.#ends[state / this.#width] as readonly number[]) if (onMatch(index, at + 1)) return;
		}
	}

	/** Whether any pattern occurs in a text, in which each character is one byte. */
	occursIn(text: ByteString): boolean {
		const [classes, next, firstEnd] = [this.#classes, this.#next, this.#firstEnd];
		let state = 0;
		for (let at = 0; at < text.length; at++) {
			state = next[state + (classes[text.charCodeAt(at)] as number)] as number;
			if (state >= firstEnd) return true;
		}
		return false;
	}

	#trieOf(texts: readonly Uint8Array[]): Trie {
		const trie: Trie = { next: [new Int32Array(this.#width).fill(-1)], ends: [[]] };
		for (const [index, text] of texts.entries()) {
			if (text.length === 0) throw new RangeError("an empty pattern would match everywhere");
			let state = 0;
			for (const byte of text) {
				const row = trie.next[state] as Int32Array;
				const byteClass = this.#classes[byte] as number;
				if ((row[byteClass] as number) < 0) {
					row[byteClass] = trie.next.push(new Int32Array(this.#width).fill(-1)) - 1;
					trie.ends.push([]);
				}
				state = row[byteClass] as number;
			}
			(trie.ends[state] as number[]).push(index);
		}
		return trie;
	}
}

/** Replaces missing transitions by those of the longest suffix that is a state too. Its patterns also end here. */
function completeTransitions({ next, ends }: Trie, width: number): void {
	const suffixOf = new Int32Array(next.length);
	const root = next[0] as Int32Array;
	const queue: number[] = [];
	for (let byteClass = 0; byteClass < width; byteClass++) {
		const child = root[byteClass] as number;
		if (child < 0) root[byteClass] = 0;
		else queue.push(child);
	}
	// breadth first: the suffix of a state is shorter, so it is complete already
	for (const state of queue) {
		const row = next[state] as Int32Array;
		const suffix = suffixOf[state] as number;
		(ends[state] as number[]).push(...(ends[suffix] as number[]));
		for (let byteClass = 0; byteClass < width; byteClass++) {
			const shorter = (next[suffix] as Int32Array)[byteClass] as number;
			const child = row[byteClass] as number;
			if (child < 0) row[byteClass] = shorter;
			else {
				suffixOf[child] = shorter;
				queue.push(child);
			}
		}
	}
}
