// Where flows come from: a source gives them in batches. Members that a source does not need have defaults here; a wrapper forwards all of them.
import type { Flow } from "./flow.ts";
import type { Metadata } from "./metadata.ts";
import type { FlowSink } from "./sink.ts";

export interface ReadOptions {
	/** No flow is kept: each is good only until the next batch is asked for, which spares memory. */
	reuseBuffers?: boolean;
}

/** Bytes read so far and in all; null where the size is not known. */
export interface ReadProgress {
	readonly done: number;
	readonly total: number | null;
}

/** Flows in tape order, in batches so that asynchrony costs nothing a flow. */
export abstract class FlowSource implements AsyncIterable<Flow[]> {
	/** A source of nothing but batches. */
	static of(batches: () => AsyncIterable<Flow[]>): FlowSource {
		return new PlainSource(batches);
	}

	/** All flows, from the first. */
	abstract read(options?: ReadOptions): AsyncIterable<Flow[]>;

	[Symbol.asyncIterator](): AsyncIterator<Flow[]> {
		return this.read()[Symbol.asyncIterator]();
	}

	progress(): ReadProgress {
		return { done: 0, total: null };
	}

	/**
	 * Where both ends are of one kind: brings all flows to the sink without making flows of them. The number of flows; null where
	 * that cannot be, and nothing was done.
	 */
	async transfer(_sink: FlowSink): Promise<number | null> {
		return null;
	}

	/** How many flows there are, told without reading them; null where that cannot be. */
	async count(): Promise<number | null> {
		return null;
	}

	/** The notes on the tape itself, to be asked for before reading. */
	async notes(): Promise<Metadata> {
		return {};
	}

	/** To be called when nothing more is read. */
	async close(): Promise<void> {}
}

class PlainSource extends FlowSource {
	readonly read: () => AsyncIterable<Flow[]>;

	constructor(batches: () => AsyncIterable<Flow[]>) {
		super();
		this.read = batches;
	}
}

/** Does as another source does, but for what is overridden. */
export class ForwardingSource extends FlowSource {
	protected readonly inner: FlowSource;

	constructor(inner: FlowSource) {
		super();
		this.inner = inner;
	}

	read(options?: ReadOptions): AsyncIterable<Flow[]> {
		return this.inner.read(options);
	}

	override progress(): ReadProgress {
		return this.inner.progress();
	}

	override transfer(sink: FlowSink): Promise<number | null> {
		return this.inner.transfer(sink);
	}

	override count(): Promise<number | null> {
		return this.inner.count();
	}

	override notes(): Promise<Metadata> {
		return this.inner.notes();
	}

	override close(): Promise<void> {
		return this.inner.close();
	}
}
