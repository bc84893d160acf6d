// The state of one replay session: which recordings it has used, so that equal requests get them in order.
import type { HttpFlow } from "../../flow/flow.ts";
import { groupBy } from "../../flow/group-by.ts";
import type { Request } from "../../flow/message.ts";
import type { RecordedAnswer } from "../../flow/recorded.ts";
import {
	DERIVED,
	endOfAnswer,
	exchangeOf,
	type Fit,
	fitOf,
	isConditional,
	isIncomplete,
	type RecordedExchange,
	type RequestSpec,
	requestSpecOf,
} from "../answer/fit.ts";
import { joinedFit, storedPartOf } from "../answer/joined-parts.ts";
import { Recording } from "../answer/recording.ts";
import { conditionsOf, type RequestConditions } from "../match/conditions.ts";
import { originalRequest, requestKey } from "../match/key.ts";
import type { MatchRules, Order } from "../match/rules.ts";
import { similarity } from "../match/similarity.ts";
import { Cursor, type RecordingRef } from "./cursor.ts";
import { answerOf, isAnswer, type RecordingIndex } from "./keyed-tape.ts";
import type { RecordingCache } from "./recording-cache.ts";

/** Whether a recording with the same key as a request may answer it. */
export type MatchFunction = (request: Request, recorded: Request) => unknown;

/** A recorded flow and how often it was used. */
export interface Candidate {
	readonly flow: HttpFlow;
	readonly ref: RecordingRef;
	readonly uses: number;
}

/** The recordings, which all sessions share. */
export interface Recordings {
	readonly indexes: readonly RecordingIndex[];
	readonly rules: MatchRules;
	readonly order: Order;
	readonly match: MatchFunction | null;
	readonly sessionOrder: SessionOrder;
	/** The recordings with a key by the name of their session; "": none. More are added while a tape grows. */
	bySession(key: string): SessionGroup["refs"];
	/** Whether `bySession` was called for this key: its recordings are of several sessions, or of another one. */
	hasSessionsOf(key: string): boolean;
	/** The recorded flows with a key, in order. */
	candidates(key: string): Candidate[];
	at(ref: RecordingRef): Candidate | null;
	/** The recordings that answer all further requests with their key. */
	readonly ready: RecordingCache;
	/** Keys with conditional, partial or incomplete recordings, or for which a request had ranges or conditions. */
	readonly groups: Map<string, KeyGroup>;
}

/** Which recordings answer the clients of a session: its own before the others, only its own, or all in order. */
export type SessionOrder = "own-first" | "own-only" | "any";

/** The recordings of a key by session. */
export interface SessionGroup {
	readonly cursor: Cursor;
	readonly refs: Map<string, RecordingRef[]>;
}

/** Returned instead of a recording if more than the order decides which one to use. */
const NEEDS_SELECTION = Symbol("needs selection");

type Found = readonly [ref: RecordingRef, answer: RecordedAnswer];

/** A recorded flow, and how well it answers a request. */
interface Fitting extends Candidate {
	readonly fit: Fit;
	/** Other recordings from which parts of the response come. */
	readonly others: readonly RecordingRef[];
}

/** All recordings of a key for which more than the order decides. */
export interface KeyGroup {
	readonly cursor: Cursor;
	readonly members: Member[];
}

interface Member {
	readonly flow: HttpFlow;
	readonly ref: RecordingRef;
	readonly conditions: RequestConditions | null;
}

/** Maximum number of recordings in a key group. */
const GROUP_LIMIT = 10_000;

export class ReplaySession {
	readonly #recordings: Recordings;
	/** "": clients without a session. */
	readonly #name: string;
	/** For each tape, how often its recordings were used, by sequence number. */
	readonly #uses: readonly Map<number, number>[];
	/** For each tape, the recordings of which parts were used. `#uses` does not count them, so they can answer again. */
	readonly #parts: readonly Set<number>[];
	/** For each key with several recordings, the position of the next one. */
	readonly #cursors = new Map<string, Cursor>();
	/** Keys whose last recording answers all further requests. */
	readonly #finished = new Set<string>();

	constructor(recordings: Recordings, name: string) {
		this.#recordings = recordings;
		this.#name = name;
		this.#uses = recordings.indexes.map(() => new Map());
		this.#parts = recordings.indexes.map(() => new Set());
	}

	/**
	 * Returns the recording that answers a request, and counts it as used; null: there is none, or all are used.
	 * @param isAllKnown whether all recordings are known; if not, a recording is returned only if no later one could be
	 * better
	 */
	takeRecording(request: Request, isAllKnown = true): Recording | null {
		const { rules, match, order, sessionOrder, ready, groups } = this.#recordings;
		const key = requestKey(request, rules);
		if (match !== null || rules.choice !== "first") return this.#choose(key, request);
		const conditions = conditionsOf(request);
		if (conditions !== null || (groups.size > 0 && groups.has(key)))
			return this.#select(key, request, conditions, isAllKnown);
		const isReady = (order === "first" && sessionOrder === "any") || this.#finished.has(key);
		const known = isReady ? ready.get(this.#readyKey(key)) : undefined;
		if (known !== undefined) return known;
		const taken = order === "first" ? this.#first(key, isAllKnown) : this.#inOrder(key, isAllKnown);
		return taken === NEEDS_SELECTION ? this.#select(key, request, null, isAllKnown) : taken;
	}

	usesOf({ tape, seq }: RecordingRef): number {
		return this.#uses[tape]?.get(seq) ?? 0;
	}

	/** Whether the recording or parts of it were used. */
	hasUsed(ref: RecordingRef): boolean {
		return this.usesOf(ref) > 0 || this.#parts[ref.tape]?.has(ref.seq) === true;
	}

	/** Adds the sequence numbers of used recordings to the sets, one for each tape. */
	addUsed(used: readonly Set<number>[]): void {
		for (const [tape, seqs] of this.#uses.entries()) for (const seq of seqs.keys()) used[tape]?.add(seq);
		for (const [tape, seqs] of this.#parts.entries()) for (const seq of seqs) used[tape]?.add(seq);
	}

	/** The key of a ready recording: sessions share it unless they have different recordings. */
	#readyKey(key: string): string {
		return this.#recordings.hasSessionsOf(key) ? `${key} ${this.#name}` : key;
	}

	/** Whether a recording is one of this session. */
	#isOwn({ session }: { readonly session: string | null }): boolean {
		return this.#recordings.sessionOrder === "any" || (session ?? "") === this.#name;
	}

	#first(key: string, isAllKnown: boolean): Recording | null | typeof NEEDS_SELECTION {
		const found = this.#answerFrom(new Cursor(key, this.#recordings.indexes, true), isAllKnown);
		return found === NEEDS_SELECTION ? found : this.#useAlways(key, found);
	}

	#inOrder(key: string, isAllKnown: boolean): Recording | null | typeof NEEDS_SELECTION {
		const cursor = (isAllKnown ? this.#cursors.get(key) : null) ?? new Cursor(key, this.#recordings.indexes);
		const next = this.#answerFrom(cursor, isAllKnown);
		if (next === NEEDS_SELECTION) return next;
		// most keys have one recording, for which `#uses` is sufficient
		if (isAllKnown && cursor.hasMore) this.#cursors.set(key, cursor);
		if (next !== null || this.#recordings.order === "once") return this.#use(next);
		if (this.#recordings.order === "sequence") {
			const last = this.#last(key);
			return last === NEEDS_SELECTION ? last : this.#useAlways(key, last);
		}
		const again = this.#restart(key);
		return again === NEEDS_SELECTION ? again : this.#use(again);
	}

	/** Starts again with the first recording. */
	#restart(key: string): Found | null | typeof NEEDS_SELECTION {
		const cursor = new Cursor(key, this.#recordings.indexes, true);
		this.#cursors.set(key, cursor);
		return this.#answerFrom(cursor);
	}

	/** The last recording of the session; if there is none, the last of all. */
	#last(key: string): Found | null | typeof NEEDS_SELECTION {
		const cursor = new Cursor(key, this.#recordings.indexes, true);
		let last: Found | null = null;
		for (let next = this.#answerFrom(cursor); next !== null; next = this.#answerFrom(cursor)) {
			if (next === NEEDS_SELECTION) return next;
			if (last !== null && this.#isOwn(last[1]) && !this.#isOwn(next[1])) break;
			last = next;
		}
		return last;
	}

	/**
	 * The next recording that can answer and, unless the cursor allows it, was not used; NEEDS_SELECTION: more than the
	 * order decides. If not all recordings are known, returns only one of this session: it may have more.
	 */
	#answerFrom(cursor: Cursor, isAllKnown = true): Found | null | typeof NEEDS_SELECTION {
		for (let ref = cursor.next(); ref !== null; ref = cursor.next()) {
			if (!cursor.isAgain && this.usesOf(ref) > 0) continue;
			const answer = this.#recordings.indexes[ref.tape]?.answerAt(ref.seq);
			if (!answer) continue;
			if (!this.#isOwn(answer)) {
				if (!cursor.isSorted) {
					cursor.putFirst(this.#recordings.bySession(cursor.key).get(this.#name) ?? []);
					continue;
				}
				if (!isAllKnown || this.#recordings.sessionOrder === "own-only") return null;
			}
			if (
				isConditional(answer.response.statusCode) ||
				isIncomplete({ response: answer.response, end: endOfAnswer(answer) })
			)
				return NEEDS_SELECTION;
			return [ref, answer];
		}
		return null;
	}

	/** Chooses among all recordings of the key by match function or similarity. */
	#choose(key: string, request: Request): Recording | null {
		const { match } = this.#recordings;
		const fitting = this.#recordings
			.candidates(key)
			.filter(
				({ flow }) => this.#mayUse(flow) && isAnswer(flow) && (match === null || match(request, originalRequest(flow))),
			);
		const members = fitting.map(({ flow, ref }) => ({ flow, ref, conditions: conditionsOf(originalRequest(flow)) }));
		const spec = requestSpecOf(request, conditionsOf(request));
		return this.#useAny(this.#fitting(members, spec), members, request, spec);
	}

	/** Chooses among all recordings of the key by ranges and conditions. */
	#select(key: string, request: Request, conditions: RequestConditions | null, isAllKnown: boolean): Recording | null {
		const members = this.#groupOf(key).members.filter(({ flow }) => this.#mayUse(flow));
		const spec = requestSpecOf(request, conditions);
		const fitting = this.#fitting(members, spec);
		return isAllKnown || fitting.some(({ fit }) => fit.rank === 0)
			? this.#useAny(fitting, members, request, spec)
			: null;
	}

	#mayUse(flow: HttpFlow): boolean {
		return this.#recordings.sessionOrder !== "own-only" || this.#isOwn(flow);
	}

	/** The group of a key, including flows recorded since the last call. */
	#groupOf(key: string): KeyGroup {
		const { groups, indexes } = this.#recordings;
		const group: KeyGroup = groups.get(key) ?? { cursor: new Cursor(key, indexes), members: [] };
		groups.set(key, group);
		while (group.members.length < GROUP_LIMIT) {
			const ref = group.cursor.next();
			if (ref === null) break;
			const flow = this.#recordings.at(ref)?.flow;
			if (flow !== undefined && isAnswer(flow))
				group.members.push({ flow, ref, conditions: conditionsOf(originalRequest(flow)) });
		}
		return group;
	}

	#fitting(members: readonly Member[], spec: RequestSpec): Fitting[] {
		const found: Fitting[] = [];
		for (const member of members) {
			const fit = fitOf(spec, answeredOf(member));
			if (fit !== null)
				found.push({ flow: member.flow, ref: member.ref, fit, uses: this.usesOf(member.ref), others: [] });
		}
		return found;
	}

	/** Responses combined from recorded parts of one representation. */
	#joined(members: readonly Member[], spec: RequestSpec): Fitting[] {
		const parts = members.flatMap((member) => {
			const part = storedPartOf(answeredOf(member));
			return part === null ? [] : [{ part, member }];
		});
		return [...groupBy(parts, ({ part }) => part.representation).values()].flatMap((group) => {
			const found = joinedFit(
				spec,
				group.map(({ part }) => part),
			);
			const [first, ...others] = (found?.of ?? []).flatMap((at) => group[at]?.member ?? []);
			if (found === null || first === undefined) return [];
			return [
				{
					flow: first.flow,
					ref: first.ref,
					fit: found.fit,
					uses: this.usesOf(first.ref),
					others: others.map(({ ref }) => ref),
				},
			];
		});
	}

	/** Uses one complete recording. If there is none, uses combined parts or an incomplete recording. */
	#useAny(
		fitting: readonly Fitting[],
		members: readonly Member[],
		request: Request,
		spec: RequestSpec,
	): Recording | null {
		const isGood = ({ fit }: Fitting) => fit.rank <= DERIVED;
		const alone = this.#useBest(fitting.filter(isGood), request);
		return alone ?? this.#useBest([...fitting.filter((one) => !isGood(one)), ...this.#joined(members, spec)], request);
	}

	/** Uses the unused recording with the best rank; order and similarity decide among equals. */
	#useBest(fitting: readonly Fitting[], request: Request): Recording | null {
		const { rules } = this.#recordings;
		for (const rank of [...new Set(fitting.map(({ fit }) => fit.rank))].sort((a, b) => a - b)) {
			const equals = fitting.filter(({ fit }) => fit.rank === rank);
			let best: Fitting | null = null;
			let most = -1;
			// parts are cut from the recording that was used last, so that they fit together
			for (const candidate of equals[0]?.fit.isPart ? this.#latest(equals) : this.#eligible(equals)) {
				const score = similarity(rules.choice, request, originalRequest(candidate.flow));
				if (score > most) [best, most] = [candidate, score];
			}
			if (best !== null) return this.#give(best);
		}
		return null;
	}

	/** The recordings that the order allows to be used now: those of the session, if there are any. */
	#eligible(pool: readonly Fitting[]): readonly Fitting[] {
		const { order } = this.#recordings;
		const unused = this.#preferOwn(pool.filter(({ uses }) => uses === 0));
		switch (order) {
			case "first":
				return this.#preferOwn(pool);
			case "once":
				return unused.length > 0 ? unused : this.#preferOwn(pool.filter(({ fit }) => fit.isRepeated)).slice(-1);
			case "sequence":
				return unused.length > 0 ? unused : this.#preferOwn(pool).slice(-1);
			case "cycle": {
				const least = Math.min(...pool.map(({ uses }) => uses));
				return this.#preferOwn(pool.filter(({ uses }) => uses === least));
			}
		}
	}

	/** The recordings of the session; if there are none, all. */
	#preferOwn(fitting: readonly Fitting[]): readonly Fitting[] {
		const own = fitting.filter(({ flow }) => this.#isOwn(flow));
		return own.length > 0 ? own : fitting;
	}

	#latest(equals: readonly Fitting[]): readonly Fitting[] {
		const used = equals.filter(({ ref }) => this.hasUsed(ref));
		return used.length > 0 ? used.slice(-1) : equals;
	}

	#give({ flow, ref, fit, others }: Fitting): Recording {
		const recorded = answerOf(flow);
		const answer = { ...recorded, ended: fit.ended ?? recorded.ended, response: fit.derive?.() ?? recorded.response };
		if (fit.isPart) for (const { tape, seq } of [ref, ...others]) this.#parts[tape]?.add(seq);
		else this.#count(ref);
		const recording = new Recording(answer, () => this.#recordings.at(ref)?.flow ?? null);
		recording.isAlways = this.#recordings.order === "first" && this.#recordings.match === null;
		return recording;
	}

	/** Uses a recording for all further requests with the key. */
	#useAlways(key: string, found: Found | null): Recording | null {
		const recording = this.#use(found);
		if (recording === null) return null;
		recording.isAlways = true;
		const { order, sessionOrder, ready } = this.#recordings;
		ready.set(this.#readyKey(key), recording);
		if (order !== "first" || sessionOrder !== "any") this.#finished.add(key);
		return recording;
	}

	#use(found: Found | null): Recording | null {
		if (found === null) return null;
		const [ref, answer] = found;
		this.#count(ref);
		return new Recording(answer, () => this.#recordings.at(ref)?.flow ?? null);
	}

	#count({ tape, seq }: RecordingRef): void {
		const uses = this.#uses[tape] as Map<number, number>;
		uses.set(seq, (uses.get(seq) ?? 0) + 1);
	}
}

function answeredOf({ flow, conditions }: Member): RecordedExchange {
	return exchangeOf(answerOf(flow), conditions);
}
