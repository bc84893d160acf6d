// Tapes as replay uses them: recordings found by the key that counts, each at its place.
import { endOf } from "../../flow/ending.ts";
import type { Flow, FlowEnd, HttpFlow } from "../../flow/flow.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { FlowSource } from "../../flow/pipe.ts";
import { isProxyChallenge } from "../../flow/proxy-challenge.ts";
import { type Asked, askedOf } from "../match/key.ts";
import { KeyTable } from "./key-table.ts";

/** What is known of an HTTP flow without reading it. */
export interface FlowSummary {
	readonly place: number;
	readonly id: string;
	readonly method: string;
	readonly scheme: string;
	/** Of the Host header, where there is one. */
	readonly host: string;
	readonly port: number;
	readonly path: string;
	/** null: there was no response. */
	readonly status: number | null;
	/** Whether it can answer a request. */
	readonly isAnswer: boolean;
}

/** A recorded request with a Content-Encoding. */
export interface CodedRequest {
	readonly place: number;
	readonly method: string;
	readonly path: string;
}

/** A recorded response, and the id of its flow. */
export interface RecordedAnswer {
	readonly id: string;
	readonly response: Response;
	/** How it ended: what the server did not end is no whole answer. null: nobody said. */
	readonly ended: FlowEnd | null;
	/** The time to which its dates were moved, in seconds since 1970; null: they are those of the recording. */
	readonly refreshed: number | null;
}

/** A tape whose recordings are found by their key without going through all of it. */
export interface RecordingIndex {
	/** Places of the recordings with this key after `after`, in order, at most `limit`. The first place is 0 or later. */
	findByKey(key: string, after: number, limit: number): readonly number[];
	/** The recording at a place; null when it is gone. */
	at(place: number): Flow | null;
	/** What the recording at a place answers; null when it is gone or has no final response. */
	answerAt(place: number): RecordedAnswer | null;
	/** The HTTP flows after a place, in order, at most `limit`. */
	outlines(after: number, limit: number): readonly FlowSummary[];
	/** The requests with a Content-Encoding after a place, in order. */
	codedRequests(after: number): Iterable<CodedRequest>;
	/** How many flows can answer, as `isAnswer` has it. */
	countAnswers(): number;
	/** Resolves when more places can be found by their keys than now; null or nothing once it is all of them. Rejects where the tape cannot be read. */
	readonly growing?: Promise<void> | null;
}

/** A tape that finds recordings by their default key, such as a flow store: nothing of it is read before it is asked for. */
export interface KeyedTape extends RecordingIndex {
	/** All default keys with the places of their flows, in batches, in the order of the flows. */
	keys(): Iterable<readonly { readonly seq: number; readonly key: string }[]>;
	/** The requests of all HTTP flows with their places, in batches, in the order of the flows. */
	requests(): Iterable<readonly { readonly seq: number; readonly request: Request }[]>;
	/** To be called when nothing more is asked for. */
	close?(): Promise<void>;
}

/** What holds recordings. */
export type RecordedTape = FlowSource | KeyedTape;

/**
 * An interim or switching response (RFC 9110 section 15.2) ends no exchange, unless the WebSocket that follows was recorded too; status 0 is
 * how some tools note a failure.
 */
export function isAnswer(flow: HttpFlow): boolean {
	const { response, websocket } = flow;
	if (response === null || isProxyChallenge(response)) return false;
	const { statusCode } = response;
	return ((statusCode >= 200 && statusCode <= 999) || (statusCode === 101 && websocket !== null)) && isKept(flow);
}

/** Whether the body was kept, if there was one. Of an answer that broke off there may be nothing but the head. */
export function isKept({ request, response, error }: Pick<HttpFlow, "request" | "response" | "error">): boolean {
	if (response === null || response.body !== null || error !== null || request.method === "HEAD") return true;
	const { statusCode, headers } = response;
	if (statusCode === 101 || statusCode === 204 || statusCode === 304) return true;
	const length = headers.raw("content-length");
	return length === null ? !headers.has("content-type") && !headers.has("transfer-encoding") : /^\s*0+\s*$/.test(length);
}

export function answerOf(flow: HttpFlow): RecordedAnswer {
	return { id: flow.id, response: flow.response as Response, ended: endOf(flow), refreshed: flow.refreshed };
}

/** How an answer ended. A WebSocket's messages say that for themselves. */
export function endOfAnswer({ response, ended }: Pick<RecordedAnswer, "response" | "ended">): FlowEnd {
	return response.statusCode === 101 ? "server" : (ended ?? "server");
}

/** How recordings are found. */
export interface IndexRules {
	/** The key of what asks for a recording. */
	readonly keyOf: (flow: Asked) => string;
	/** The key is the one that tapes hold themselves. */
	readonly isDefault: boolean;
	/** Which flows there are to be; default: all. */
	readonly selects?: ((flow: HttpFlow) => boolean) | undefined;
}

export async function openRecordingIndex(tape: RecordedTape, rules: IndexRules): Promise<RecordingIndex> {
	if (!("findByKey" in tape)) return readAll(tape, rules);
	return rules.isDefault && rules.selects === undefined ? new TapeIndex(tape) : new RekeyedIndex(tape, rules);
}

/**
 * Answers from the tape at once, and from a table of its keys once that is there: a lookup on disk costs as much as all the rest of an
 * answer, and more the longer the tape.
 */
class TapeIndex implements RecordingIndex {
	readonly #tape: KeyedTape;
	readonly #table = new KeyTable();
	#isFilled = false;
	/** The last place that the table knows. */
	#last = -1;

	constructor(tape: KeyedTape) {
		this.#tape = tape;
		// what is wrong with the tape is said when it is asked for a recording
		this.#fill().catch(() => {});
	}

	findByKey(key: string, after: number, limit: number): readonly number[] {
		if (!this.#isFilled) return this.#tape.findByKey(key, after, limit);
		const found = this.#table.find(key, after, limit);
		// what came to the tape since
		return found.length > 0 ? found : this.#tape.findByKey(key, Math.max(after, this.#last), limit);
	}

	at(place: number): Flow | null {
		return this.#tape.at(place);
	}

	answerAt(place: number): RecordedAnswer | null {
		return keptAnswer(this.#tape, place);
	}

	outlines(after: number, limit: number): readonly FlowSummary[] {
		return this.#tape.outlines(after, limit);
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
			await new Promise((resolve) => setImmediate(resolve));
		}
		this.#isFilled = true;
	}
}

/** Columns do not say all about bodies that were not kept. */
function keptAnswer(tape: KeyedTape, place: number): RecordedAnswer | null {
	const answer = tape.answerAt(place);
	if (answer === null || answer.response.body !== null) return answer;
	const flow = tape.at(place);
	return flow?.type === "http" && isAnswer(flow) ? answer : null;
}

/** The flows of a tape that has to be read from end to end stay in memory. */
async function readAll(source: FlowSource, { keyOf, selects }: IndexRules): Promise<RecordingIndex> {
	const flows: HttpFlow[] = [];
	const table = new KeyTable();
	for await (const batch of source) {
		for (const flow of batch) if (flow.type === "http" && selects?.(flow) !== false) table.add(keyOf(flow), flows.push(flow) - 1);
	}
	return {
		findByKey: (key, after, limit) => table.find(key, after, limit),
		at: (place) => flows[place] ?? null,
		answerAt(place) {
			const flow = flows[place];
			return flow !== undefined && isAnswer(flow) ? answerOf(flow) : null;
		},
		outlines: (after, limit) => flows.slice(after + 1, after + 1 + limit).map((flow, n) => outlineOf(flow, after + 1 + n)),
		codedRequests: (after) => flows.flatMap((flow, place) => (place > after ? codedOf(flow, place) : [])),
		countAnswers: () => flows.reduce((count, flow) => count + (isAnswer(flow) ? 1 : 0), 0),
	};
}

function codedOf({ request: { headers, method, path } }: HttpFlow, place: number): CodedRequest[] {
	return headers.has("content-encoding") ? [{ place, method, path }] : [];
}

function outlineOf(flow: HttpFlow, place: number): FlowSummary {
	const { id, request, response } = flow;
	const { method, scheme, port, path } = request;
	return { place, id, method, scheme, host: request.prettyHost, port, path, status: response?.statusCode ?? null, isAnswer: isAnswer(flow) };
}

/** Places that become known at once, while a tape is gone through. */
const BLOCK_PLACES = 16_384;
/** Outlines that are read at once. */
const OUTLINES = 500;

/** A keyed tape by another key, or some flows of it: gone through once, and found as far as that has come. The flows stay where they are. */
class RekeyedIndex implements RecordingIndex {
	readonly #tape: KeyedTape;
	readonly #rules: IndexRules;
	readonly #whole = new KeyTable();
	/** In the order of the tape; of all that is known, once that is everything. */
	#blocks: KeyTable[] = [];
	/** Of the flows that are selected; null: all are. */
	readonly #places: Set<number> | null;
	/** The last place that was looked at. */
	#last = -1;
	growing: Promise<void> | null = null;
	#tellGrown = () => {};

	constructor(tape: KeyedTape, rules: IndexRules) {
		this.#tape = tape;
		this.#rules = rules;
		this.#places = rules.selects === undefined ? null : new Set();
		this.#awaitMore();
		this.#fill().catch((error: unknown) => {
			this.growing = Promise.reject(error);
			this.growing.catch(() => {});
			this.#tellGrown();
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
		for (const block of this.#blocks) if (found.length < limit) found.push(...block.find(key, after, limit - found.length));
		return found;
	}

	at(place: number): Flow | null {
		return this.#tape.at(place);
	}

	answerAt(place: number): RecordedAnswer | null {
		return keptAnswer(this.#tape, place);
	}

	outlines(after: number, limit: number): readonly FlowSummary[] {
		const places = this.#places;
		if (places === null) return this.#tape.outlines(after, limit);
		const found: FlowSummary[] = [];
		for (const batch of outlinesAfter(this.#tape, after)) {
			found.push(...batch.filter(({ place }) => places.has(place)));
			if (found.length >= limit) break;
		}
		return found.slice(0, limit);
	}

	codedRequests(after: number): Iterable<CodedRequest> {
		return this.#tape.codedRequests(after);
	}

	countAnswers(): number {
		if (this.#places === null) return this.#tape.countAnswers();
		return this.outlines(-1, Number.POSITIVE_INFINITY).reduce((count, { isAnswer }) => count + (isAnswer ? 1 : 0), 0);
	}

	async #fill(): Promise<void> {
		let block = new KeyTable();
		for (const batch of this.#tape.requests()) {
			for (const { seq, request } of batch) {
				this.#add(seq, request, block);
				this.#last = seq;
			}
			if (block.size >= BLOCK_PLACES) {
				this.#blocks.push(block);
				block = new KeyTable();
				const tell = this.#tellGrown;
				this.#awaitMore();
				tell();
			}
			await new Promise((resolve) => setImmediate(resolve));
		}
		this.#blocks = [this.#whole];
		this.growing = null;
		this.#tellGrown();
	}

	#awaitMore(): void {
		this.growing = new Promise((resolve) => {
			this.#tellGrown = resolve;
		});
	}

	/** What came to the tape since. */
	#catchUp(): void {
		for (const batch of outlinesAfter(this.#tape, this.#last)) {
			for (const { place } of batch) {
				const flow = this.#tape.at(place);
				if (flow?.type === "http") this.#add(place, askedOf(flow));
				this.#last = place;
			}
		}
	}

	#add(place: number, request: Request, block?: KeyTable): void {
		if (!this.#isSelected(place)) return;
		const key = this.#rules.keyOf({ request });
		this.#whole.add(key, place);
		block?.add(key, place);
		this.#places?.add(place);
	}

	#isSelected(place: number): boolean {
		if (this.#rules.selects === undefined) return true;
		const flow = this.#tape.at(place);
		return flow?.type === "http" && this.#rules.selects(flow);
	}
}

/** The HTTP flows of a tape after a place, in batches. */
function* outlinesAfter(tape: KeyedTape, after: number): Generator<readonly FlowSummary[]> {
	for (let last = after; ; ) {
		const batch = tape.outlines(last, OUTLINES);
		const end = batch.at(-1);
		if (end === undefined) return;
		last = end.place;
		yield batch;
	}
}
