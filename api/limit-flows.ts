// Ends reading after a number of flows.
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSource, ForwardingSource, type ReadOptions } from "../src/flow/pipe.ts";

/** Wraps sources so that they yield at most `limit` flows in total. The rest is not read. */
export function limitFlows(sources: readonly FlowSource[], limit: number): FlowSource[] {
	const rest = { count: limit };
	return sources.map((source) => new LimitedSource(source, rest));
}

class LimitedSource extends ForwardingSource {
	/** The number of flows that may still be read, from all sources. */
	readonly #rest: { count: number };

	constructor(source: FlowSource, rest: { count: number }) {
		super(source);
		this.#rest = rest;
	}

	override async transfer(): Promise<null> {
		return null;
	}

	override async count(): Promise<null> {
		return null;
	}

	override async *read(options?: ReadOptions): AsyncGenerator<Flow[]> {
		if (this.#rest.count === 0) return;
		for await (const batch of this.inner.read(options)) {
			const taken = batch.slice(0, this.#rest.count);
			this.#rest.count -= taken.length;
			yield taken;
			if (this.#rest.count === 0) return;
		}
	}
}
