// What one client has been given: equal requests get their recordings in order, and each session for itself.
import type { HttpFlow } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import { Cursor, type Spot } from "./cursor.ts";
import type { MatchRules, Order } from "./match-rules.ts";
import { ReadyCache } from "./ready-cache.ts";
import { Recording } from "./recording.ts";
import { requestKey } from "./request-key.ts";
import { isAnswer, type RecordedAnswer, type Shelf } from "./shelf.ts";
import { similarity } from "./similarity.ts";

/** Whether a recording that the options do not tell apart from a request may answer it. */
export type MatchFunction = (request: Request, recorded: Request) => unknown;

/** A recorded flow and how often it was used. */
export interface Candidate {
	readonly flow: HttpFlow;
	readonly spot: Spot;
	readonly uses: number;
}

/** The recordings that sessions share. */
export interface Recordings {
	readonly shelves: readonly Shelf[];
	readonly rules: MatchRules;
	readonly order: Order;
	readonly match: MatchFunction | null;
	/** The recorded flows with a key, in order. */
	candidates(key: string): Candidate[];
	at(spot: Spot): Candidate | null;
}

type Found = readonly [spot: Spot, answer: RecordedAnswer];

export class ReplaySession {
	readonly #recordings: Recordings;
	/** How often the recordings of each shelf were used, by place. */
	readonly #uses: readonly Map<number, number>[];
	/** How far the recordings of a key are used up, for keys with several. */
	readonly #cursors = new Map<string, Cursor>();
	/** The recording of a key that is given always from now on. */
	readonly #ready = new ReadyCache();

	constructor(recordings: Recordings) {
		this.#recordings = recordings;
		this.#uses = recordings.shelves.map(() => new Map());
	}

	/** The recording that answers a request; null when there is none or all are used up. It counts as used from now on. */
	take(request: Request): Recording | null {
		const { rules, match, order, shelves } = this.#recordings;
		const key = requestKey(request, rules);
		if (match !== null || rules.choice !== "first") return this.#choose(key, request);
		const ready = this.#ready.get(key);
		if (ready !== undefined) return ready;
		if (order !== "first") return this.#inOrder(key);
		return this.#useAlways(key, this.#answerFrom(new Cursor(key, shelves, true)));
	}

	usesOf({ shelf, place }: Spot): number {
		return this.#uses[shelf]?.get(place) ?? 0;
	}

	/** Adds the places that were used, a set for each shelf. */
	addUsed(used: readonly Set<number>[]): void {
		for (const [shelf, places] of this.#uses.entries()) for (const place of places.keys()) used[shelf]?.add(place);
	}

	#inOrder(key: string): Recording | null {
		const cursor = this.#cursors.get(key) ?? new Cursor(key, this.#recordings.shelves);
		const next = this.#answerFrom(cursor);
		// of most keys there is one recording, and that it was used is all there is to remember
		if (cursor.hasMore) this.#cursors.set(key, cursor);
		if (next !== null || this.#recordings.order === "once") return this.#use(next);
		return this.#recordings.order === "sequence" ? this.#useAlways(key, this.#last(key)) : this.#use(this.#again(key));
	}

	/** The first recording once more, and from then on those behind it. */
	#again(key: string): Found | null {
		const cursor = new Cursor(key, this.#recordings.shelves, true);
		this.#cursors.set(key, cursor);
		return this.#answerFrom(cursor);
	}

	#last(key: string): Found | null {
		const cursor = new Cursor(key, this.#recordings.shelves, true);
		let last: Found | null = null;
		for (let next = this.#answerFrom(cursor); next !== null; next = this.#answerFrom(cursor)) last = next;
		return last;
	}

	/** The next flow that can answer and was not used, unless used ones are given again. */
	#answerFrom(cursor: Cursor): Found | null {
		for (let spot = cursor.next(); spot !== null; spot = cursor.next()) {
			if (!cursor.isAgain && this.usesOf(spot) > 0) continue;
			const answer = this.#recordings.shelves[spot.shelf]?.answerAt(spot.place);
			if (answer) return [spot, answer];
		}
		return null;
	}

	/** Where the match function or likeness decides: among all recordings of the key. */
	#choose(key: string, request: Request): Recording | null {
		const { match, order, rules } = this.#recordings;
		const fitting = this.#recordings.candidates(key).filter(({ flow }) => isAnswer(flow) && (match === null || match(request, flow.request)));
		const pool = fitting.map((candidate) => ({ ...candidate, uses: this.usesOf(candidate.spot) }));
		let best: Candidate | null = null;
		let most = -1;
		for (const candidate of eligible(pool, order)) {
			const score = similarity(rules.choice, request, candidate.flow.request);
			if (score > most) [best, most] = [candidate, score];
		}
		return this.#use(best && [best.spot, { id: best.flow.id, response: best.flow.response as Response }]);
	}

	/** From now on this recording answers all requests with the key. */
	#useAlways(key: string, found: Found | null): Recording | null {
		const recording = this.#use(found);
		if (recording === null) return null;
		recording.isAlways = true;
		this.#ready.set(key, recording);
		return recording;
	}

	#use(found: Found | null): Recording | null {
		if (found === null) return null;
		const [{ shelf, place }, answer] = found;
		const uses = this.#uses[shelf] as Map<number, number>;
		uses.set(place, (uses.get(place) ?? 0) + 1);
		return new Recording(answer, answer.response, () => this.#recordings.at({ shelf, place })?.flow ?? null);
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
