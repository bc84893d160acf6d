// Counts the flows that a running proxy writes to its output, so that it can report at the end how many were stored and
// how many were lost.
import type { MaybeAsync } from "../maybe-async.ts";
import type { Conversation, Flow } from "./flow.ts";
import { type BodySpool, type FlowSink, ForwardingSink, type OpenFlow } from "./sink.ts";

export interface CountingOptions {
	isKept: (flow: Flow) => boolean;
	/**
	 * Whether `isKept` can decide on a conversation without all of its messages. Only then are messages stored as they
	 * arrive.
	 */
	isOpenable: boolean;
	/** Opens a spool for large bodies if the output has none. */
	openSpool: () => BodySpool;
}

export class CountingSink extends ForwardingSink {
	readonly #options: CountingOptions;
	#received = 0;
	#failed = 0;

	constructor(output: FlowSink, options: CountingOptions) {
		super(output);
		this.#options = options;
	}

	/**
	 * Number of flows that should be in the output and are not. It is exact once the sink is closed: outputs that write
	 * in batches also lose whole batches.
	 */
	get lost(): number {
		const { stored } = this.inner;
		return stored === null ? this.#failed : this.#received - stored;
	}

	/** Number of flows that the output has stored, without those that it left out. */
	override get stored(): number {
		return this.#received - this.lost - this.leftOut;
	}

	override append(flow: Flow): MaybeAsync {
		if (!this.#options.isKept(flow)) return;
		this.#received++;
		try {
			return this.inner.append(flow)?.catch((error: unknown) => this.#fail(error));
		} catch (error) {
			this.#fail(error);
		}
	}

	#fail(error: unknown): never {
		this.#failed++;
		throw error;
	}

	override spool(ofRequest = false): BodySpool {
		return this.inner.spool(ofRequest) ?? this.#options.openSpool();
	}

	override open(flow: Conversation): OpenFlow | null {
		if (!this.#options.isOpenable) return null;
		this.#received++;
		const entry = this.inner.open(flow);
		if (entry === null) this.#received--;
		return entry && { ...entry, close: () => (this.#options.isKept(flow) ? entry.close() : this.#discard(entry)) };
	}

	#discard(entry: OpenFlow): void {
		entry.discard();
		this.#received--;
	}
}
