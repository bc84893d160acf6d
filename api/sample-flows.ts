// Draws a uniform random sample of flows whose number is not known before (Vitter 1985, algorithm R).
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSink, ForwardingSink } from "../src/flow/pipe.ts";

/**
 * A sink that takes a random sample of its flows and passes it to `sink` when it is closed, in the order of the flows.
 * Each set of `size` flows is equally likely. Only the sample is in memory.
 * @param random returns numbers from 0 (included) to 1 (excluded)
 */
export function sampleFlows(sink: FlowSink, size: number, random: () => number): FlowSink {
	return new SamplingSink(sink, size, random);
}

class SamplingSink extends ForwardingSink {
	readonly #size: number;
	readonly #random: () => number;
	readonly #sample: { index: number; flow: Flow }[] = [];
	#seen = 0;

	constructor(sink: FlowSink, size: number, random: () => number) {
		super(sink);
		this.#size = size;
		this.#random = random;
	}

	/** Flows outside of the sample count as left out. */
	override get leftOut(): number {
		return this.inner.leftOut + this.#seen - this.#sample.length;
	}

	/** The sink keeps the flows of the sample. */
	override get copies(): boolean {
		return false;
	}

	override spool(): null {
		return null;
	}

	override open(): null {
		return null;
	}

	override append(flow: Flow): void {
		const index = this.#seen++;
		const at = index < this.#size ? index : Math.floor(this.#random() * this.#seen);
		if (at < this.#size) this.#sample[at] = { index, flow };
	}

	override async close(): Promise<void> {
		for (const { flow } of this.#sample.sort((a, b) => a.index - b.index)) {
			const wait = this.inner.append(flow);
			if (wait !== undefined) await wait;
		}
		await this.inner.close();
	}
}

/**
 * A generator of pseudorandom numbers from 0 (included) to 1 (excluded). The same seed gives the same numbers
 * (SplitMix64, Steele 2014).
 */
export function seededRandom(seed: number): () => number {
	let state = BigInt.asUintN(64, BigInt(seed));
	return () => {
		state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
		let mixed = state;
		mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n);
		mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
		return Number((mixed ^ (mixed >> 31n)) >> 11n) / 2 ** 53;
	};
}
