// What a running proxy brings to its output, counted: in the end it has to be told how much is there, and how much is not.
import type { Flow, HttpFlow } from "./flow.ts";
import type { BodySpool, FlowSink, OpenFlow } from "./pipe.ts";

export interface CountingOptions {
	isKept: (flow: Flow) => boolean;
	/** Whether `isKept` can be asked before all messages are there. */
	isOpenable: boolean;
	/** A place for large bodies where the output has none. */
	openSpool: () => BodySpool;
}

export class CountingSink implements FlowSink {
	readonly #output: FlowSink;
	readonly #options: CountingOptions;
	#brought = 0;
	#failed = 0;

	constructor(output: FlowSink, options: CountingOptions) {
		this.#output = output;
		this.#options = options;
	}

	/** Flows that should be in the output and are not. Exact once it is closed; what an output keeps in groups is lost in groups. */
	get lost(): number {
		const { stored } = this.#output;
		return stored === undefined ? this.#failed : this.#brought - stored;
	}

	/** Flows in the output that were brought to it. */
	get stored(): number {
		return this.#brought - this.lost;
	}

	append(flow: Flow): void | Promise<void> {
		if (!this.#options.isKept(flow)) return;
		this.#brought++;
		try {
			return this.#output.append(flow)?.catch((error: unknown) => this.#fail(error));
		} catch (error) {
			this.#fail(error);
		}
	}

	#fail(error: unknown): never {
		this.#failed++;
		throw error;
	}

	spool(ofRequest = false): BodySpool {
		return this.#output.spool?.(ofRequest) ?? this.#options.openSpool();
	}

	open(flow: HttpFlow): OpenFlow | undefined {
		if (!this.#options.isOpenable || this.#output.open === undefined) return;
		this.#brought++;
		const entry = this.#output.open(flow);
		if (entry === undefined) this.#brought--;
		return entry && { ...entry, close: () => (this.#options.isKept(flow) ? entry.close() : this.#discard(entry)) };
	}

	#discard(entry: OpenFlow): void {
		entry.discard();
		this.#brought--;
	}

	close(): Promise<void> {
		return this.#output.close();
	}
}
