// Indexes of tapes for the replay: recordings are found by request key and identified by sequence number.
import { setImmediate as nextTurn } from "node:timers/promises";
import { endOf } from "../../flow/ending.ts";
import type { Flow, HttpFlow } from "../../flow/flow.ts";
import { isKept } from "../../flow/kept-body.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { Metadata } from "../../flow/metadata.ts";
import type { FlowSource } from "../../flow/pipe.ts";
import { isProxyChallenge } from "../../flow/proxy-challenge.ts";
import type { CodedRequest, FlowSummary, RecordedAnswer } from "../../flow/recorded.ts";
import { type FlowRequest, originalRequest } from "../match/key.ts";
import { KeyTable } from "./key-table.ts";

/** Finds the recordings of a tape by their key. */
export interface RecordingIndex {
	/**
	 * The sequence numbers greater than `after` of recordings with this key, ascending, at most `limit`. No sequence
	 * number is negative.
	 */
	findByKey(key: string, after: number, limit: number): readonly number[];
	/** The flow with a sequence number; null: it was deleted. */
	at(seq: number): Flow | null;
	/** The response with a sequence number; null: the flow was deleted or cannot answer a request, see `isAnswer`. */
	answerAt(seq: number): RecordedAnswer | null;
	/** The session of the flow with a sequence number; null: none. */
	sessionAt(seq: number): string | null;
	/** The HTTP flows with sequence numbers greater than `after`, ascending, at most `limit`. */
	summaries(after: number, limit: number): readonly FlowSummary[];
	/** The requests with a Content-Encoding and sequence numbers greater than `after`, ascending. */
	codedRequests(after: number): Iterable<CodedRequest>;
	/** The number of flows that can answer a request, see `isAnswer`. */
	countAnswers(): number;
	/**
	 * Resolves when the keys of more flows are known; null or missing: all are known. Rejects if the tape cannot be read.
	 */
	readonly growing?: Promise<void> | null;
}

/** A tape with an index of default keys, such as a flow store. Flows are read only when needed. */
export interface KeyedTape extends RecordingIndex {
	/** All default keys with the sequence numbers of their flows, ascending, in batches. */
	keys(): Iterable<readonly { readonly seq: number; readonly key: string }[]>;
	/** The requests of all HTTP flows with their sequence numbers, ascending, in batches. */
	requests(): Iterable<readonly { readonly seq: number; readonly request: Request }[]>;
	/** The notes about the tape itself. */
	notes?(): Metadata | Promise<Metadata>;
	/** Call when the tape is no longer used. */
	close?(): Promise<void>;
}

/** A source of recordings. */
export type RecordedTape = FlowSource | KeyedTape;

/**
 * Whether a flow can answer a request. A 1xx response (RFC 9110 section 15.2) does not end an exchange, except a 101
 * with a recorded WebSocket; some tools record failures as status 0.
 */
export function isAnswer(flow: HttpFlow): boolean {
	const { response, websocket } = flow;
	if (response === null || isProxyChallenge(response)) return false;
	const { statusCode } = response;
	return ((statusCode >= 200 && statusCode <= 999) || (statusCode === 101 && websocket !== null)) && isKept(flow);
}

export function answerOf(flow: HttpFlow): RecordedAnswer {
	const { id, response, refreshed, session } = flow;
	return { id, response: response as Response, ended: endOf(flow), refreshed, session };
}

/** How keys are computed and which flows are indexed. */
export interface IndexRules {
	readonly keyOf: (flow: FlowRequest) => string;
	/** Whether `keyOf` computes the default keys, which tapes store. */
	readonly isDefault: boolean;
	/** Which flows are indexed; default: all. */
	readonly selects?: ((flow: HttpFlow) => boolean) | undefined;
}

export async function openRecordingIndex(tape: RecordedTape, rules: IndexRules): Promise<RecordingIndex> {
	if (!("findByKey" in tape)) return readAll(tape, rules);
	return rules.isDefault && rules.selects === undefined ? new TapeIndex(tape) : new RekeyedIndex(tape, rules);
}

/**
 * Queries the tape until all keys have been read, then a table in memory. A lookup on disk costs as much as everything
 * else for a response, and more in longer tapes.
 */
class TapeIndex implements RecordingIndex {
	readonly #tape: KeyedTape;
	readonly #table = new KeyTable();
	#isFilled = false;
	/** The last sequence number in the table. */
	#last = -1;

	constructor(tape: KeyedTape) {
		this.#tape = tape;
		// errors are reported when a recording is requested
		this.#fill().catch(() => {});
	}

	findByKey(key: string, after: number, limit: number): readonly number[] {
		if (!this.#isFilled) return this.#tape.findByKey(key, after, limit);
		const found = this.#table.find(key, after, limit);
		// flows that were recorded later
		return found.length > 0 ? found : this.#tape.findByKey(key, Math.max(after, this.#last), limit);
	}

	at(seq: number): Flow | null {
		return this.#tape.at(seq);
	}

	answerAt(seq: number): RecordedAnswer | null {
		return this.#tape.answerAt(seq);
	}

	sessionAt(seq: number): string | null {
		return this.#tape.sessionAt(seq);
	}

	summaries(after: number, limit: number): readonly FlowSummary[] {
		return this.#tape.summaries(after, limit);
	}

	codedRequests(after: number): Iterable<CodedRequest> {
		return this.#tape.codedRequests(after);
	}

	countAnswers(): number {
		return this.#tape.countAnswers();
	}

	async #fill(): Promise<void> {
		for (const batch of this.#tape.keys()) {
			for (const { seq, key } of batch) {
				this.#table.add(key, seq);
				this.#last = seq;
			}
			await nextTurn();
		}
		this.#isFilled = true;
	}
}

/** Indexes a tape without keys; all its flows stay in memory. */
async function readAll(source: FlowSource, { keyOf, selects }: IndexRules): Promise<RecordingIndex> {
	const flows: HttpFlow[] = [];
	const table = new KeyTable();
	for await (const batch of source) {
		for (const flow of batch)
			if (flow.type === "http" && selects?.(flow) !== false) table.add(keyOf(flow), flows.push(flow) - 1);
	}
	return {
		findByKey: (key, after, limit) => table.find(key, after, limit),
		at: (seq) => flows[seq] ?? null,
		answerAt(seq) {
			const flow = flows[seq];
			return flow !== undefined && isAnswer(flow) ? answerOf(flow) : null;
		},
		sessionAt: (seq) => flows[seq]?.session ?? null,
		summaries: (after, limit) =>
			flows.slice(after + 1, after + 1 + limit).map((flow, n) => summaryOf(flow, after + 1 + n)),
		codedRequests: (after) => flows.flatMap((flow, seq) => (seq > after ? codedOf(flow, seq) : [])),
		countAnswers: () => flows.reduce((count, flow) => count + (isAnswer(flow) ? 1 : 0), 0),
	};
}

function codedOf({ request: { headers, method, path } }: HttpFlow, seq: number): CodedRequest[] {
	return headers.has("content-encoding") ? [{ seq, method, path }] : [];
}

function summaryOf(flow: HttpFlow, seq: number): FlowSummary {
	const { id, request, response, session } = flow;
	const { method, scheme, port, path } = request;
	return {
		seq,
		id,
		method,
		scheme,
		host: request.prettyHost,
		port,
		path,
		status: response?.statusCode ?? null,
		isAnswer: isAnswer(flow),
		session,
	};
}

/** Flows in one block: their keys become searchable together while a tape is read. */
const BLOCK_FLOWS = 16_384;
/** Number of flow summaries that are read together. */
const SUMMARIES = 500;

/**
 * A keyed tape with other keys or selected flows. It is read once, and can be searched while it is read. The flows stay
 * on disk.
 */
class RekeyedIndex implements RecordingIndex {
	readonly #tape: KeyedTape;
	readonly #rules: IndexRules;
	readonly #whole = new KeyTable();
	/** The blocks read so far, in order; once all are read, only `#whole`. */
	#blocks: KeyTable[] = [];
	/** Sequence numbers of the selected flows; null: all. */
	readonly #seqs: Set<number> | null;
	/** The last sequence number read. */
	#last = -1;
	growing: Promise<void> | null = null;
	#resolveGrowing = () => {};

	constructor(tape: KeyedTape, rules: IndexRules) {
		this.#tape = tape;
		this.#rules = rules;
		this.#seqs = rules.selects === undefined ? null : new Set();
		this.#expectMore();
		this.#fill().catch((error: unknown) => {
			this.growing = Promise.reject(error);
			this.growing.catch(() => {});
			this.#resolveGrowing();
		});
	}

	findByKey(key: string, after: number, limit: number): readonly number[] {
		const found = this.#known(key, after, limit);
		if (found.length > 0 || this.growing !== null) return found;
		this.#catchUp();
		return this.#known(key, after, limit);
	}

	#known(key: string, after: number, limit: number): readonly number[] {
		const found: number[] = [];
		for (const block of this.#blocks)
			if (found.length < limit) found.push(...block.find(key, after, limit - found.length));
		return found;
	}

	at(seq: number): Flow | null {
		return this.#tape.at(seq);
	}

	answerAt(seq: number): RecordedAnswer | null {
		return this.#tape.answerAt(seq);
	}

	sessionAt(seq: number): string | null {
		return this.#tape.sessionAt(seq);
	}

	summaries(after: number, limit: number): readonly FlowSummary[] {
		const seqs = this.#seqs;
		if (seqs === null) return this.#tape.summaries(after, limit);
		const found: FlowSummary[] = [];
		for (const batch of summariesAfter(this.#tape, after)) {
			found.push(...batch.filter(({ seq }) => seqs.has(seq)));
			if (found.length >= limit) break;
		}
		return found.slice(0, limit);
	}

	codedRequests(after: number): Iterable<CodedRequest> {
		return this.#tape.codedRequests(after);
	}

	countAnswers(): number {
		if (this.#seqs === null) return this.#tape.countAnswers();
		return this.summaries(-1, Number.POSITIVE_INFINITY).reduce((count, { isAnswer }) => count + (isAnswer ? 1 : 0), 0);
	}

	async #fill(): Promise<void> {
		let block = new KeyTable();
		for (const batch of this.#tape.requests()) {
			for (const { seq, request } of batch) {
				this.#add(seq, request, block);
				this.#last = seq;
			}
			if (block.size >= BLOCK_FLOWS) {
				this.#blocks.push(block);
				block = new KeyTable();
				const resolve = this.#resolveGrowing;
				this.#expectMore();
				resolve();
			}
			await nextTurn();
		}
		this.#blocks = [this.#whole];
		this.growing = null;
		this.#resolveGrowing();
	}

	#expectMore(): void {
		this.growing = new Promise((resolve) => {
			this.#resolveGrowing = resolve;
		});
	}

	/** Adds flows that were recorded since. */
	#catchUp(): void {
		for (const batch of summariesAfter(this.#tape, this.#last)) {
			for (const { seq } of batch) {
				const flow = this.#tape.at(seq);
				if (flow?.type === "http") this.#add(seq, originalRequest(flow));
				this.#last = seq;
			}
		}
	}

	#add(seq: number, request: Request, block?: KeyTable): void {
		if (!this.#isSelected(seq)) return;
		const key = this.#rules.keyOf({ request });
		this.#whole.add(key, seq);
		block?.add(key, seq);
		this.#seqs?.add(seq);
	}

	#isSelected(seq: number): boolean {
		if (this.#rules.selects === undefined) return true;
		const flow = this.#tape.at(seq);
		return flow?.type === "http" && this.#rules.selects(flow);
	}
}

/** The HTTP flows of a tape with sequence numbers greater than `after`, in batches. */
function* summariesAfter(tape: KeyedTape, after: number): Generator<readonly FlowSummary[]> {
	for (let last = after; ; ) {
		const batch = tape.summaries(last, SUMMARIES);
		const end = batch.at(-1);
		if (end === undefined) return;
		last = end.seq;
		yield batch;
	}
}
