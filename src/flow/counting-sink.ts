// What a running proxy brings to its output, counted: in the end it has to be told how much is there, and how much is not.
import type { Flow, HttpFlow } from "./flow.ts";
import { type BodySpool, type FlowSink, ForwardingSink, type OpenFlow } from "./sink.ts";

export interface CountingOptions {
	isKept: (flow: Flow) => boolean;
	/** Whether `isKept` can be asked before all messages are there. */
	isOpenable: boolean;
	/** A place for large bodies where the output has none. */
	openSpool: () => BodySpool;
}

export class CountingSink extends ForwardingSink {
	readonly #options: CountingOptions;
	#brought = 0;
	#failed = 0;

	constructor(output: FlowSink, options: CountingOptions) {
		super(output);
		this.#options = options;
	}

	/** Flows that should be in the output and are not. Exact once it is closed; what an output keeps in groups is lost in groups. */
	get lost(): number {
		const { stored } = this.inner;
		return stored === null ? this.#failed : this.#brought - stored;
	}

	/** Flows in the output that were brought to it. */
	override get stored(): number {
		return this.#brought - this.lost;
	}

	override append(flow: Flow): void | Promise<void> {
		if (!this.#options.isKept(flow)) return;
		this.#brought++;
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

	override open(flow: HttpFlow): OpenFlow | null {
		if (!this.#options.isOpenable) return null;
		this.#brought++;
		const entry = this.inner.open(flow);
		if (entry === null) this.#brought--;
		return entry && { ...entry, close: () => (this.#options.isKept(flow) ? entry.close() : this.#discard(entry)) };
	}

	#discard(entry: OpenFlow): void {
		entry.discard();
		this.#brought--;
	}
}
