// Sources: where flows are read, in batches. Optional members have defaults here; ForwardingSource forwards all members
// to another source.
import type { Flow } from "./flow.ts";
import type { Metadata } from "./metadata.ts";
import type { FlowSink } from "./sink.ts";

export interface ReadOptions {
	/** The reader keeps no flow after it asks for the next batch, so buffers may be reused. */
	reuseBuffers?: boolean;
}

/** Bytes read so far and in total; null: the size is not known. */
export interface ReadProgress {
	readonly done: number;
	readonly total: number | null;
}

/** Flows in tape order, in batches so that there is no promise per flow. */
export abstract class FlowSource implements AsyncIterable<Flow[]> {
	/** Makes a source from a function that reads batches. */
	static of(batches: () => AsyncIterable<Flow[]>): FlowSource {
		return new PlainSource(batches);
	}

	/** Reads all flows, from the first. */
	abstract read(options?: ReadOptions): AsyncIterable<Flow[]>;

	[Symbol.asyncIterator](): AsyncIterator<Flow[]> {
		return this.read()[Symbol.asyncIterator]();
	}

	progress(): ReadProgress {
		return { done: 0, total: null };
	}

	/**
	 * Copies all flows to a sink of the same kind without decoding them. Resolves to the number of flows; null: not
	 * possible, nothing was copied.
	 */
	async transfer(_sink: FlowSink): Promise<number | null> {
		return null;
	}

	/** The number of flows, without reading them; null: not possible. */
	async count(): Promise<number | null> {
		return null;
	}

	/** The notes about the tape itself. Call this before reading. */
	async notes(): Promise<Metadata> {
		return {};
	}

	/** Call this when you have finished reading. */
	async close(): Promise<void> {}
}

class PlainSource extends FlowSource {
	readonly read: () => AsyncIterable<Flow[]>;

	constructor(batches: () => AsyncIterable<Flow[]>) {
		super();
		this.read = batches;
	}
}

/** Forwards every member to another source; the base class of wrappers. */
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
