// The flow store: what holds the flows of a tape, whichever database does it.
import type { Filter } from "../filter/filter.ts";
import type { Flow } from "../flow/flow.ts";
import type { FlowSink, FlowSource } from "../flow/pipe.ts";

export interface ReadOptions {
	/** Only flows that match; the store answers what it can from its columns. */
	filter?: Filter | undefined;
	/** Only these ids, in tape order. */
	ids?: readonly string[] | undefined;
}

/** A flow with its place in the store. */
export interface StoredFlow {
	seq: number;
	flow: Flow;
}

export interface FlowStore extends FlowSink {
	/** In tape order, bodies left where they are until someone asks. */
	read(options?: ReadOptions): FlowSource;
	/** How many flows match, counted without reading more than the filter needs. */
	count(filter?: Filter): Promise<number>;
	/**
	 * Sequence numbers of the recordings with this default request key that come after `after`, in order, at most `limit`.
	 */
	findByKey(key: string, after: number, limit: number): number[];
	/** The flow at a sequence number, bodies on demand; null when it is gone. */
	at(seq: number): Flow | null;
	/** Writes what was appended and not yet committed. */
	flush(): void | Promise<void>;
}
