// The flow store: what holds the flows of a tape, whichever database does it.
import type { Filter } from "../filter/filter.ts";
import type { Flow, FlowEnd } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import type { FlowSink, FlowSource } from "../flow/pipe.ts";

export interface ReadOptions {
	/** Only flows that match; the store answers what it can from its columns. */
	filter?: Filter | undefined;
	/** Only these ids, in tape order. */
	ids?: readonly string[] | undefined;
	/**
	 * Whether bodies are going to be asked for: each is read before its flow comes, and a flow of which one is damaged comes without it, which is
	 * reported. Else bodies stay where they are, and who asks for one that is damaged gets an error.
	 */
	bodies?: boolean | undefined;
}

/** The request of a flow, as it came where it was changed since, with the flow's place in the store. */
export interface StoredRequest {
	seq: number;
	request: Request;
}

/** What the columns say of an HTTP flow. */
export interface CodedRequest {
	/** Its sequence number. */
	place: number;
	method: string;
	path: string;
}

export interface FlowSummary {
	/** Its sequence number. */
	place: number;
	id: string;
	method: string;
	scheme: string;
	/** Of the Host header, where there is one. */
	host: string;
	port: number;
	path: string;
	/** null: there was no response. */
	status: number | null;
	/** Whether it can answer a request, as `answerAt` has it. */
	isAnswer: boolean;
}

/** A final response, or one that began a WebSocket, and the id of its flow. */
export interface RecordedAnswer {
	id: string;
	response: Response;
	ended: FlowEnd | null;
	/** The time to which its dates were moved, in seconds since 1970; null: they are those of the recording. */
	refreshed: number | null;
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
	/** The response at a sequence number that can answer a request, read without the rest of its flow; null when there is none. */
	answerAt(seq: number): RecordedAnswer | null;
	/** All default request keys with the sequence numbers of their flows, in batches, in the order of the flows. */
	keys(): Iterable<readonly { seq: number; key: string }[]>;
	/** The requests of all HTTP flows with their sequence numbers, in batches, in the order of the flows. */
	requests(): Iterable<readonly StoredRequest[]>;
	/** HTTP flows after a sequence number, at most `limit`, without reading more than columns. */
	outlines(after: number, limit: number): FlowSummary[];
	/** The HTTP requests with a Content-Encoding after a sequence number, in order. */
	codedRequests(after: number): CodedRequest[];
	/** How many HTTP flows have such a response. */
	countAnswers(): number;
	/** Writes what was appended and not yet committed. */
	flush(): void | Promise<void>;
}
