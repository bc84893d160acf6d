// Which recording answers a request: recordings by their key, in the order of recording, each used once unless asked otherwise.
import { bodyBytes } from "../flow/body.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { FlowSource } from "../flow/pipe.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { Recording } from "./recording.ts";
import { defaultRequestKey, isDefaultKey, options as keyOptions, requestKeyFor } from "./request-key.ts";

export const options = {
	...keyOptions,
	server_replay_reuse: { type: "boolean", default: false, help: "Answer equal requests with the first recording again and again." },
} as const satisfies OptionTable;

/** A tape that finds recordings by their default key by itself, such as a flow store: nothing of it is read before it is asked for. */
export interface KeyedTape {
	/** Places of the recordings with this key after `after`, in order, at most `limit`. */
	findByKey(key: string, after: number, limit: number): readonly number[];
	/** The recording at a place; null when it is gone. */
	at(place: number): Flow | null;
	read(): FlowSource;
}

/** What holds recordings. */
export type RecordedTape = FlowSource | KeyedTape;

/** A recorded flow and whether it was used. */
export interface RecordedFlow {
	flow: HttpFlow;
	used: boolean;
}

/** Bytes of bodies that are kept ready for reuse. */
const READY_BYTES = 64 * 1024 * 1024;

export class ReplayIndex {
	readonly #tapes: readonly Shelf[];
	readonly #keyOf: (flow: HttpFlow) => string;
	readonly #reuse: boolean;
	/** How far the recordings of a key are used up. */
	readonly #queues = new Map<string, Queue>();
	/** For reuse: the first recording of a key. */
	readonly #ready = new Map<string, Recording>();
	#readyBytes = 0;
	readonly #used = new Set<string>();

	private constructor(tapes: readonly Shelf[], keyOf: (flow: HttpFlow) => string, reuse: boolean) {
		this.#tapes = tapes;
		this.#keyOf = keyOf;
		this.#reuse = reuse;
	}

	/**
	 * Opens the recordings of tapes, one after the other. A keyed tape is not read as long as the matching is the default one;
	 * of others all heads are, and the bodies of requests where they count.
	 */
	static async open(tapes: readonly RecordedTape[], values: Partial<OptionValues<typeof options>> = {}): Promise<ReplayIndex> {
		const isDefault = isDefaultKey(values);
		const keyOf = isDefault ? defaultRequestKey : requestKeyFor(values);
		const shelves: Shelf[] = [];
		for (const tape of tapes) shelves.push(isKeyed(tape) && isDefault ? new KeyedShelf(tape) : await ReadShelf.of(isKeyed(tape) ? tape.read() : tape, keyOf));
		return new ReplayIndex(shelves, keyOf, values.server_replay_reuse ?? false);
	}

	/** The recording that answers a request; null when there is none or all are used up. It counts as used from now on. */
	take(request: HttpFlow): Recording | null {
		const key = this.#keyOf(request);
		if (!this.#reuse) return this.#next(key);
		const ready = this.#ready.get(key);
		if (ready !== undefined) return ready;
		const first = this.#next(key);
		this.#queues.delete(key);
		if (first !== null) this.#keepReady(key, first);
		return first;
	}

	/** Every recorded flow that has a request, those without an answer too, in order. */
	async *recorded(): AsyncGenerator<RecordedFlow[]> {
		for (const tape of this.#tapes)
			for await (const batch of tape.read()) yield batch.flatMap((flow) => (flow.type === "http" ? { flow, used: this.#used.has(flow.id) } : []));
	}

	/** How many recordings that could have answered never did. Reads the heads of all tapes. */
	async countUnused(): Promise<number> {
		let count = 0;
		for await (const batch of this.recorded()) for (const { flow, used } of batch) if (!used && isAnswer(flow)) count++;
		return count;
	}

	#next(key: string): Recording | null {
		const queue = this.#queues.get(key) ?? { tape: 0, place: -1, ahead: [] };
		for (let tape = this.#tapes[queue.tape]; tape !== undefined; tape = this.#tapes[++queue.tape], queue.place = -1) {
			for (let flow = nextOf(tape, key, queue); flow !== null; flow = nextOf(tape, key, queue)) {
				if (!isAnswer(flow)) continue;
				this.#queues.set(key, queue);
				this.#used.add(flow.id);
				return new Recording(flow, flow.response);
			}
			// a tape may grow while it is replayed, so the last one is never done with
			if (queue.tape === this.#tapes.length - 1) break;
		}
		return null;
	}

	#keepReady(key: string, recording: Recording): void {
		const { response } = recording;
		response.body = bodyBytes(response.body);
		this.#readyBytes += response.bodySize ?? 0;
		this.#ready.set(key, recording);
		for (const [oldest, { response: gone }] of this.#ready) {
			if (this.#readyBytes <= READY_BYTES || oldest === key) break;
			this.#readyBytes -= gone.bodySize ?? 0;
			this.#ready.delete(oldest);
		}
	}
}

/** An interim or switching response (RFC 9110 section 15.2) ends no exchange, and status 0 is how some tools note a failure. */
export function isAnswer(flow: HttpFlow): flow is HttpFlow & { response: NonNullable<HttpFlow["response"]> } {
	return flow.response !== null && flow.response.statusCode >= 200;
}

function isKeyed(tape: RecordedTape): tape is KeyedTape {
	return "findByKey" in tape;
}

/** Where the search for the next recording of a key goes on. */
interface Queue {
	tape: number;
	place: number;
	/** Places found and not looked at yet. */
	ahead: number[];
}

/** Places that are looked up at once. */
const AHEAD = 16;

function nextOf(tape: Shelf, key: string, queue: Queue): HttpFlow | null {
	for (;;) {
		if (queue.ahead.length === 0) queue.ahead.push(...tape.findByKey(key, queue.place, AHEAD));
		const place = queue.ahead.shift();
		if (place === undefined) return null;
		queue.place = place;
		const flow = tape.at(place);
		if (flow?.type === "http") return flow;
	}
}

/** A tape as the index uses it. */
interface Shelf {
	findByKey(key: string, after: number, limit: number): readonly number[];
	at(place: number): Flow | null;
	read(): AsyncIterable<readonly Flow[]>;
}

class KeyedShelf implements Shelf {
	readonly #tape: KeyedTape;

	constructor(tape: KeyedTape) {
		this.#tape = tape;
	}

	findByKey(key: string, after: number, limit: number): readonly number[] {
		return this.#tape.findByKey(key, after, limit);
	}

	at(place: number): Flow | null {
		return this.#tape.at(place);
	}

	read(): AsyncIterable<readonly Flow[]> {
		return this.#tape.read();
	}
}

/** A tape that was read as a whole. */
class ReadShelf implements Shelf {
	readonly #flows: HttpFlow[] = [];
	readonly #places = new Map<string, number[]>();

	static async of(source: FlowSource, keyOf: (flow: HttpFlow) => string): Promise<ReadShelf> {
		const shelf = new ReadShelf();
		for await (const batch of source) for (const flow of batch) if (flow.type === "http") shelf.#add(keyOf(flow), flow);
		return shelf;
	}

	#add(key: string, flow: HttpFlow): void {
		const place = this.#flows.push(flow) - 1;
		const places = this.#places.get(key);
		if (places === undefined) this.#places.set(key, [place]);
		else places.push(place);
	}

	findByKey(key: string, after: number, limit: number): readonly number[] {
		const places = this.#places.get(key) ?? [];
		let [low, high] = [0, places.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((places[middle] as number) <= after) low = middle + 1;
			else high = middle;
		}
		return places.slice(low, low + limit);
	}

	at(place: number): Flow | null {
		return this.#flows[place] ?? null;
	}

	async *read(): AsyncGenerator<readonly Flow[]> {
		yield this.#flows;
	}
}
