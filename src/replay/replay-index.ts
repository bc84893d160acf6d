// Which recording answers a request: recordings by their key, in the order of recording, each used once unless asked otherwise.
import type { HttpFlow } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { Cursor, type Spot } from "./cursor.ts";
import { compileRules, isDefault, type MatchExtras, type MatchRules, options as matchOptions, type Order, profileOf } from "./match-rules.ts";
import { ReadyCache } from "./ready-cache.ts";
import { Recording } from "./recording.ts";
import { requestKey } from "./request-key.ts";
import { isAnswer, type Outline, openShelf, type RecordedAnswer, type RecordedTape, type Shelf } from "./shelf.ts";
import { similarity } from "./similarity.ts";

export { isAnswer, type KeyedTape, type Outline, type RecordedTape } from "./shelf.ts";

export const options = {
	...matchOptions,
	server_replay_order: {
		type: "string",
		default: null,
		choices: ["once", "sequence", "first", "cycle"],
		help: "Equal requests get their recordings in order: each once (the default), then the last one again and again, or all anew; or the first one always.",
	},
	server_replay_reuse: { type: "boolean", default: false, help: "Answer equal requests with the first recording again and again: server_replay_order=first." },
} as const satisfies OptionTable;

export type IndexValues = Partial<OptionValues<typeof options>>;

/** Whether a recording that the options do not tell apart from a request may answer it. */
export type MatchFunction = (request: Request, recorded: Request) => unknown;

export interface IndexExtras extends MatchExtras {
	/** Has the last word. */
	match?: MatchFunction | null;
}

/** A recorded flow and how often it was used. */
export interface Candidate {
	readonly flow: HttpFlow;
	readonly spot: Spot;
	readonly uses: number;
}

type Found = readonly [spot: Spot, answer: RecordedAnswer];

/** Recordings of one key that are looked at where more than their order decides. */
const CHOICE_LIMIT = 1000;
/** Outlines that are asked for at once. */
const OUTLINES = 2000;

export class ReplayIndex {
	readonly rules: MatchRules;
	readonly match: MatchFunction | null;
	readonly order: Order;
	readonly shelves: readonly Shelf[];
	/** How often the recordings of each shelf were used, by place. */
	readonly #uses: readonly Map<number, number>[];
	/** How far the recordings of a key are used up, for keys with several. */
	readonly #cursors = new Map<string, Cursor>();
	/** The recording of a key that is given always from now on. */
	readonly #ready = new ReadyCache();

	private constructor(shelves: readonly Shelf[], rules: MatchRules, order: Order, match: MatchFunction | null) {
		this.shelves = shelves;
		this.rules = rules;
		this.order = order;
		this.match = match;
		this.#uses = shelves.map(() => new Map());
	}

	/**
	 * Opens the recordings of tapes, one after the other. A keyed tape is not read as long as the matching is the default one;
	 * of others all heads are, and the bodies of requests where they count.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
	 */
	static async open(tapes: readonly RecordedTape[], values: IndexValues = {}, extras: IndexExtras = {}): Promise<ReplayIndex> {
		const rules = compileRules(values, extras);
		const keyOf = (flow: HttpFlow) => requestKey(flow.request, rules);
		const shelves: Shelf[] = [];
		for (const tape of tapes) shelves.push(await openShelf(tape, keyOf, isDefault(values)));
		const order = values.server_replay_reuse ? "first" : (values.server_replay_order ?? profileOf(values).order);
		return new ReplayIndex(shelves, rules, order as Order, extras.match ?? null);
	}

	/** The recording that answers a request; null when there is none or all are used up. It counts as used from now on. */
	take({ request }: HttpFlow): Recording | null {
		const key = requestKey(request, this.rules);
		if (this.match !== null || this.rules.choice !== "first") return this.#choose(key, request);
		const ready = this.#ready.get(key);
		if (ready !== undefined) return ready;
		if (this.order !== "first") return this.#inOrder(key);
		return this.#useAlways(key, this.#answerFrom(new Cursor(key, this.shelves, true)));
	}

	/** The recorded flows that have the key of a request, in order, used ones too. */
	equals(request: Request, limit = CHOICE_LIMIT): Candidate[] {
		return this.#candidates(requestKey(request, this.rules), limit);
	}

	#candidates(key: string, limit: number): Candidate[] {
		const cursor = new Cursor(key, this.shelves);
		const found: Candidate[] = [];
		for (let spot = cursor.next(); spot !== null && found.length < limit; spot = cursor.next()) {
			const candidate = this.at(spot);
			if (candidate !== null) found.push(candidate);
		}
		return found;
	}

	/** The recorded flow at a spot; null when it is gone. */
	at(spot: Spot): Candidate | null {
		const flow = this.shelves[spot.shelf]?.at(spot.place);
		return flow?.type === "http" ? { flow, spot, uses: this.usesOf(spot) } : null;
	}

	usesOf({ shelf, place }: Spot): number {
		return this.#uses[shelf]?.get(place) ?? 0;
	}

	/** When the first recorded request was sent, in seconds since 1970; null where there is none. */
	recordedAt(): number | null {
		for (const [{ place }, shelf] of this.outlines()) return this.at({ shelf, place })?.flow.request.timestampStart ?? null;
		return null;
	}

	/** How many recordings that could have answered never did. */
	countUnused(): number {
		const answers = this.shelves.reduce((count, shelf) => count + shelf.countAnswers(), 0);
		return answers - this.#uses.reduce((count, uses) => count + uses.size, 0);
	}

	/** Recordings that could have answered and never did, in order. Goes through all tapes. */
	*unused(): Generator<Outline> {
		for (const [outline, shelf] of this.outlines()) {
			if (outline.isAnswer && this.usesOf({ shelf, place: outline.place }) === 0) yield outline;
		}
	}

	/** All recorded HTTP flows with the number of their shelf, in order. */
	*outlines(): Generator<[outline: Outline, shelf: number]> {
		for (const [shelf, tape] of this.shelves.entries()) {
			for (let batch = tape.outlines(-1, OUTLINES); batch.length > 0; batch = tape.outlines((batch.at(-1) as Outline).place, OUTLINES))
				for (const outline of batch) yield [outline, shelf];
		}
	}

	#inOrder(key: string): Recording | null {
		const cursor = this.#cursors.get(key) ?? new Cursor(key, this.shelves);
		const next = this.#answerFrom(cursor);
		// of most keys there is one recording, and that it was used is all there is to remember
		if (cursor.hasMore) this.#cursors.set(key, cursor);
		if (next !== null || this.order === "once") return this.#use(next);
		return this.order === "sequence" ? this.#useAlways(key, this.#last(key)) : this.#use(this.#again(key));
	}

	/** The first recording once more, and from then on those behind it. */
	#again(key: string): Found | null {
		const cursor = new Cursor(key, this.shelves, true);
		this.#cursors.set(key, cursor);
		return this.#answerFrom(cursor);
	}

	#last(key: string): Found | null {
		const cursor = new Cursor(key, this.shelves, true);
		let last: Found | null = null;
		for (let next = this.#answerFrom(cursor); next !== null; next = this.#answerFrom(cursor)) last = next;
		return last;
	}

	/** The next flow that can answer and was not used, unless used ones are given again. */
	#answerFrom(cursor: Cursor): Found | null {
		for (let spot = cursor.next(); spot !== null; spot = cursor.next()) {
			if (!cursor.isAgain && this.usesOf(spot) > 0) continue;
			const answer = this.shelves[spot.shelf]?.answerAt(spot.place);
			if (answer) return [spot, answer];
		}
		return null;
	}

	/** Where the match function or likeness decides: among all recordings of the key. */
	#choose(key: string, request: Request): Recording | null {
		const pool = this.#candidates(key, CHOICE_LIMIT).filter(({ flow }) => isAnswer(flow) && (this.match === null || this.match(request, flow.request)));
		let best: Candidate | null = null;
		let most = -1;
		for (const candidate of eligible(pool, this.order)) {
			const score = similarity(this.rules.choice, request, candidate.flow.request);
			if (score > most) [best, most] = [candidate, score];
		}
		return this.#use(best && [best.spot, { id: best.flow.id, response: best.flow.response as Response }]);
	}

	/** From now on this recording answers all requests with the key. */
	#useAlways(key: string, found: Found | null): Recording | null {
		const recording = this.#use(found);
		if (recording !== null) this.#ready.set(key, recording);
		return recording;
	}

	#use(found: Found | null): Recording | null {
		if (found === null) return null;
		const [{ shelf, place }, answer] = found;
		const uses = this.#uses[shelf] as Map<number, number>;
		uses.set(place, (uses.get(place) ?? 0) + 1);
		return new Recording(answer, answer.response, () => this.at({ shelf, place })?.flow ?? null);
	}
}

/** Those of equal recordings whose turn it is. */
function eligible<T extends { uses: number }>(pool: readonly T[], order: Order): readonly T[] {
	const unused = pool.filter(({ uses }) => uses === 0);
	switch (order) {
		case "first":
			return pool;
		case "once":
			return unused;
		case "sequence":
			return unused.length > 0 ? unused : pool.slice(-1);
		case "cycle": {
			const least = Math.min(...pool.map(({ uses }) => uses));
			return pool.filter(({ uses }) => uses === least);
		}
	}
}
