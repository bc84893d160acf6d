// The interface of a flow store, independent of the database.
import type { Filter } from "../filter/filter.ts";
import type { Flow } from "../flow/flow.ts";
import type { Request } from "../flow/message.ts";
import type { FlowSink, FlowSource } from "../flow/pipe.ts";
import type { CodedRequest, FlowSummary, RecordedAnswer } from "../flow/recorded.ts";
import type { MaybeAsync } from "../maybe-async.ts";

export interface StoreReadOptions {
	/** Only flows that match. The store tests columns first, and reads more of a flow only if they do not decide. */
	filter?: Filter | undefined;
	/** Only these ids, in tape order. */
	ids?: readonly string[] | undefined;
	/**
	 * Whether bodies are going to be read. If true, each body is read before its flow is returned; a damaged body is
	 * reported and left out. If false (default), bodies are read on access, and reading a damaged one throws.
	 */
	bodies?: boolean | undefined;
	/** Only flows with higher sequence numbers. Default: 0. */
	after?: number | undefined;
}

/** The request of a flow, with the sequence number of the flow. If the request was changed, it is the original one. */
export interface StoredRequest {
	seq: number;
	request: Request;
}

export interface FlowStore extends FlowSink {
	/** In tape order. Bodies are read on access. */
	read(options?: StoreReadOptions): FlowSource;
	/** Number of flows that match. Reads no more than the filter needs. */
	count(filter?: Filter): Promise<number>;
	/**
	 * Sequence numbers of the recordings with this default request key that come after `after`, in order, at most
	 * `limit`.
	 */
	findByKey(key: string, after: number, limit: number): number[];
	/** The flow at a sequence number, with lazy bodies; null if it no longer exists. */
	at(seq: number): Flow | null;
	/** The response at a sequence number, read without the rest of its flow; null if it cannot answer a request. */
	answerAt(seq: number): RecordedAnswer | null;
	/** The session of the flow at a sequence number; null: none. */
	sessionAt(seq: number): string | null;
	/** All default request keys with the sequence numbers of their flows, in batches, in the order of the flows. */
	keys(): Iterable<readonly { seq: number; key: string }[]>;
	/** The requests of all HTTP flows with their sequence numbers, in batches, in the order of the flows. */
	requests(): Iterable<readonly StoredRequest[]>;
	/** HTTP flows after a sequence number, at most `limit`; reads columns only. */
	summaries(after: number, limit: number): FlowSummary[];
	/** The HTTP requests with a Content-Encoding after a sequence number, in order. */
	codedRequests(after: number): CodedRequest[];
	/** Number of HTTP flows whose response can answer a request. */
	countAnswers(): number;
	/** Commits the flows appended so far. */
	flush(): MaybeAsync;
}
