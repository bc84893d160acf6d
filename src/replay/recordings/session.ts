// What one client has been given: equal requests get their recordings in order, and each session for itself.
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import { type Answered, type Ask, type Fit, fitOf, isBroken, isConditional, MADE } from "../answer/fit.ts";
import { type HeldPart, heldPartOf, joinedFit } from "../answer/joined-parts.ts";
import { Recording } from "../answer/recording.ts";
import { askedOf, requestKey } from "../match/key.ts";
import type { MatchRules, Order } from "../match/rules.ts";
import { similarity } from "../match/similarity.ts";
import { NO_WISH, type Wish, wishOf } from "../match/wish.ts";
import { Cursor, type RecordingRef } from "./cursor.ts";
import { answerOf, endOfAnswer, isAnswer, type RecordedAnswer, type RecordingIndex } from "./keyed-tape.ts";
import { ReadyCache } from "./ready-cache.ts";

/** Whether a recording that the options do not tell apart from a request may answer it. */
export type MatchFunction = (request: Request, recorded: Request) => unknown;

/** A recorded flow and how often it was used. */
export interface Candidate {
	readonly flow: HttpFlow;
	readonly spot: RecordingRef;
	readonly uses: number;
}

/** The recordings that sessions share. */
export interface Recordings {
	readonly indexes: readonly RecordingIndex[];
	readonly rules: MatchRules;
	readonly order: Order;
	readonly match: MatchFunction | null;
	/** The recorded flows with a key, in order. */
	candidates(key: string): Candidate[];
	at(spot: RecordingRef): Candidate | null;
}

/** Said in place of a recording where more than the order decides which one it is. */
const OTHERWISE = Symbol("otherwise");

type Found = readonly [spot: RecordingRef, answer: RecordedAnswer];

/** A recorded flow, and how good an answer it is. */
interface Fitting extends Candidate {
	readonly fit: Fit;
	/** What else it is made of. */
	readonly others: readonly RecordingRef[];
}

/** All recordings of a key, for keys where more than their order decides. */
interface Kin {
	readonly cursor: Cursor;
	readonly members: Member[];
}

interface Member {
	readonly flow: HttpFlow;
	readonly spot: RecordingRef;
	/** What was asked for. */
	readonly wish: Wish | null;
}

/** Recordings of one key that are looked at where more than their order decides. */
const KIN_LIMIT = 10_000;

export class ReplaySession {
	readonly #recordings: Recordings;
	/** How often the recordings of each tape were used, by place. */
	readonly #uses: readonly Map<number, number>[];
	/** Of which recordings parts were given, in each tape: that does not use them up. */
	readonly #parts: readonly Set<number>[];
	/** How far the recordings of a key are used up, for keys with several. */
	readonly #cursors = new Map<string, Cursor>();
	/** The recording of a key that is given always from now on. */
	readonly #ready = new ReadyCache();
	/** Keys with recordings that do not answer all who ask, or are not whole; and those that were asked for a part, or under conditions. */
	readonly #kin = new Map<string, Kin>();

	constructor(recordings: Recordings) {
		this.#recordings = recordings;
		this.#uses = recordings.indexes.map(() => new Map());
		this.#parts = recordings.indexes.map(() => new Set());
	}

	/**
	 * The recording that answers a request; null when there is none or all are used up. It counts as used from now on.
	 * @param isAllKnown more recordings cannot turn up; else nothing is taken that a later one could be better than
	 */
	take(request: Request, isAllKnown = true): Recording | null {
		const { rules, match, order, indexes } = this.#recordings;
		const key = requestKey(request, rules);
		if (match !== null || rules.choice !== "first") return this.#choose(key, request);
		const wish = wishOf(request);
		if (wish !== null || (this.#kin.size > 0 && this.#kin.has(key))) return this.#select(key, request, wish, isAllKnown);
		const ready = this.#ready.get(key);
		if (ready !== undefined) return ready;
		const taken = order === "first" ? this.#first(key, indexes) : this.#inOrder(key);
		return taken === OTHERWISE ? this.#select(key, request, null, isAllKnown) : taken;
	}

	usesOf({ tape, place }: RecordingRef): number {
		return this.#uses[tape]?.get(place) ?? 0;
	}

	/** Whether it was given, or parts of it. */
	hasUsed(spot: RecordingRef): boolean {
		return this.usesOf(spot) > 0 || this.#parts[spot.tape]?.has(spot.place) === true;
	}

	/** Adds the places that were used, a set for each index. */
	addUsed(used: readonly Set<number>[]): void {
		for (const [tape, places] of this.#uses.entries()) for (const place of places.keys()) used[tape]?.add(place);
		for (const [tape, places] of this.#parts.entries()) for (const place of places) used[tape]?.add(place);
	}

	#first(key: string, indexes: readonly RecordingIndex[]): Recording | null | typeof OTHERWISE {
		const found = this.#answerFrom(new Cursor(key, indexes, true));
		return found === OTHERWISE ? found : this.#useAlways(key, found);
	}

	#inOrder(key: string): Recording | null | typeof OTHERWISE {
		const cursor = this.#cursors.get(key) ?? new Cursor(key, this.#recordings.indexes);
		const next = this.#answerFrom(cursor);
		if (next === OTHERWISE) return next;
		// of most keys there is one recording, and that it was used is all there is to remember
		if (cursor.hasMore) this.#cursors.set(key, cursor);
		if (next !== null || this.#recordings.order === "once") return this.#use(next);
		if (this.#recordings.order === "sequence") {
			const last = this.#last(key);
			return last === OTHERWISE ? last : this.#useAlways(key, last);
		}
		const again = this.#again(key);
		return again === OTHERWISE ? again : this.#use(again);
	}

	/** The first recording once more, and from then on those behind it. */
	#again(key: string): Found | null | typeof OTHERWISE {
		const cursor = new Cursor(key, this.#recordings.indexes, true);
		this.#cursors.set(key, cursor);
		return this.#answerFrom(cursor);
	}

	#last(key: string): Found | null | typeof OTHERWISE {
		const cursor = new Cursor(key, this.#recordings.indexes, true);
		let last: Found | null = null;
		for (let next = this.#answerFrom(cursor); next !== null; next = this.#answerFrom(cursor)) {
			if (next === OTHERWISE) return next;
			last = next;
		}
		return last;
	}

	/** The next flow that can answer and was not used, unless used ones are given again; or that more than the order decides. */
	#answerFrom(cursor: Cursor): Found | null | typeof OTHERWISE {
		for (let spot = cursor.next(); spot !== null; spot = cursor.next()) {
			if (!cursor.isAgain && this.usesOf(spot) > 0) continue;
			const answer = this.#recordings.indexes[spot.tape]?.answerAt(spot.place);
			if (!answer) continue;
			if (isConditional(answer.response.statusCode) || isBroken({ response: answer.response, end: endOfAnswer(answer) })) return OTHERWISE;
			return [spot, answer];
		}
		return null;
	}

	/** Where the match function or likeness decides: among all recordings of the key. */
	#choose(key: string, request: Request): Recording | null {
		const { match } = this.#recordings;
		const fitting = this.#recordings.candidates(key).filter(({ flow }) => isAnswer(flow) && (match === null || match(request, askedOf(flow))));
		const members = fitting.map(({ flow, spot }) => ({ flow, spot, wish: wishOf(askedOf(flow)) }));
		const ask = askOf(request, wishOf(request));
		return this.#useAny(this.#fitting(members, ask), members, request, ask);
	}

	/** Where it counts which part is asked for, or what the client has already. */
	#select(key: string, request: Request, wish: Wish | null, isAllKnown: boolean): Recording | null {
		const { members } = this.#kinOf(key);
		const ask = askOf(request, wish);
		const fitting = this.#fitting(members, ask);
		return isAllKnown || fitting.some(({ fit }) => fit.rank === 0) ? this.#useAny(fitting, members, request, ask) : null;
	}

	/** With what came to the tapes since. */
	#kinOf(key: string): Kin {
		const kin: Kin = this.#kin.get(key) ?? { cursor: new Cursor(key, this.#recordings.indexes), members: [] };
		this.#kin.set(key, kin);
		for (let spot = kin.cursor.next(); spot !== null && kin.members.length < KIN_LIMIT; spot = kin.cursor.next()) {
			const flow = this.#recordings.at(spot)?.flow;
			if (flow !== undefined && isAnswer(flow)) kin.members.push({ flow, spot, wish: wishOf(askedOf(flow)) });
		}
		return kin;
	}

	#fitting(members: readonly Member[], ask: Ask): Fitting[] {
		const found: Fitting[] = [];
		for (const member of members) {
			const fit = fitOf(ask, answeredOf(member));
			if (fit !== null) found.push({ flow: member.flow, spot: member.spot, fit, uses: this.usesOf(member.spot), others: [] });
		}
		return found;
	}

	/** What recordings that are parts of one representation answer together. */
	#joined(members: readonly Member[], ask: Ask): Fitting[] {
		const groups = new Map<string, { part: HeldPart; member: Member }[]>();
		for (const member of members) {
			const part = heldPartOf(answeredOf(member));
			if (part === null) continue;
			const group = groups.get(part.representation);
			if (group === undefined) groups.set(part.representation, [{ part, member }]);
			else group.push({ part, member });
		}
		return [...groups.values()].flatMap((group) => {
			const found = joinedFit(
				ask,
				group.map(({ part }) => part),
			);
			const [first, ...others] = (found?.of ?? []).flatMap((at) => group[at]?.member ?? []);
			if (found === null || first === undefined) return [];
			return [{ flow: first.flow, spot: first.spot, fit: found.fit, uses: this.usesOf(first.spot), others: others.map(({ spot }) => spot) }];
		});
	}

	/** One recording where one does; else several together, or what broke off. */
	#useAny(fitting: readonly Fitting[], members: readonly Member[], request: Request, ask: Ask): Recording | null {
		const isGood = ({ fit }: Fitting) => fit.rank <= MADE;
		const alone = this.#useBest(fitting.filter(isGood), request);
		return alone ?? this.#useBest([...fitting.filter((one) => !isGood(one)), ...this.#joined(members, ask)], request);
	}

	/** The best that is not used up; of equally good ones by their order and likeness. */
	#useBest(fitting: readonly Fitting[], request: Request): Recording | null {
		const { order, rules } = this.#recordings;
		for (const rank of [...new Set(fitting.map(({ fit }) => fit.rank))].sort((a, b) => a - b)) {
			const equals = fitting.filter(({ fit }) => fit.rank === rank);
			let best: Fitting | null = null;
			let most = -1;
			// parts are cut of what was given last, so that they belong together
			for (const candidate of equals[0]?.fit.isPart ? this.#latest(equals) : eligible(equals, order)) {
				const score = similarity(rules.choice, request, askedOf(candidate.flow));
				if (score > most) [best, most] = [candidate, score];
			}
			if (best !== null) return this.#give(best);
		}
		return null;
	}

	#latest(equals: readonly Fitting[]): readonly Fitting[] {
		const used = equals.filter(({ spot }) => this.hasUsed(spot));
		return used.length > 0 ? used.slice(-1) : equals;
	}

	#give({ flow, spot, fit, others }: Fitting): Recording {
		const recorded = answerOf(flow);
		const answer = { ...recorded, ended: fit.ended ?? recorded.ended, response: fit.make?.() ?? recorded.response };
		if (fit.isPart) for (const { tape, place } of [spot, ...others]) this.#parts[tape]?.add(place);
		else this.#count(spot);
		const recording = new Recording(answer, answer.response, () => this.#recordings.at(spot)?.flow ?? null);
		recording.isAlways = this.#recordings.order === "first" && this.#recordings.match === null;
		return recording;
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
		const [spot, answer] = found;
		this.#count(spot);
		return new Recording(answer, answer.response, () => this.#recordings.at(spot)?.flow ?? null);
	}

	#count({ tape, place }: RecordingRef): void {
		const uses = this.#uses[tape] as Map<number, number>;
		uses.set(place, (uses.get(place) ?? 0) + 1);
	}
}

function askOf({ method, headers }: Request, wish: Wish | null): Ask {
	return { method: method.toUpperCase(), wish: wish ?? NO_WISH, accept: headers.raw("accept-encoding") };
}

function answeredOf({ flow, wish }: Member): Answered {
	const answer = answerOf(flow);
	return { wish, response: answer.response, end: endOfAnswer(answer) };
}

/** Those of equal recordings whose turn it is. */
function eligible(pool: readonly Fitting[], order: Order): readonly Fitting[] {
	const unused = pool.filter(({ uses }) => uses === 0);
	switch (order) {
		case "first":
			return pool;
		case "once":
			return unused.length > 0 ? unused : pool.filter(({ fit }) => fit.isRepeated).slice(-1);
		case "sequence":
			return unused.length > 0 ? unused : pool.slice(-1);
		case "cycle": {
			const least = Math.min(...pool.map(({ uses }) => uses));
			return pool.filter(({ uses }) => uses === least);
		}
	}
}
