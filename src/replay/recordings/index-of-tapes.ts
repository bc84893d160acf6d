// The recordings of all tapes, found by request key, and the sessions that use them.
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import type { Metadata } from "../../flow/metadata.ts";
import type { FlowSummary } from "../../flow/recorded.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Recording } from "../answer/recording.ts";
import { type FlowRequest, originalRequest, requestKey } from "../match/key.ts";
import { keysWithoutSecrets, secretRemoverFor } from "../match/redacted.ts";
import {
	compileRules,
	isDefault,
	type MatchExtras,
	type MatchRules,
	options as matchOptions,
	type Order,
	profileOf,
} from "../match/rules.ts";
import { Cursor, type RecordingRef } from "./cursor.ts";
import { DecodeLimit } from "./decode-limit.ts";
import { isAnswer, openRecordingIndex, type RecordedTape, type RecordingIndex } from "./keyed-tape.ts";
import { RecordingCache } from "./recording-cache.ts";
import {
	type Candidate,
	type KeyGroup,
	type MatchFunction,
	ReplaySession,
	type SessionGroup,
	type SessionOrder,
} from "./session.ts";
import { Sessions } from "./sessions.ts";

export { isAnswer, type KeyedTape, type RecordedTape } from "./keyed-tape.ts";
export type { Candidate, MatchFunction } from "./session.ts";

export const options = {
	...matchOptions,
	server_replay_order: {
		type: "string",
		default: null,
		choices: ["once", "sequence", "first", "cycle"],
		help: "How to answer equal requests. once: each recording once (the default); sequence: in order, then always the last one; cycle: in order, then from the start again; first: always the first one.",
	},
	server_replay_session_order: {
		type: "string",
		default: "own-first",
		choices: ["own-first", "own-only", "any"],
		help: "How to answer the clients of a session. own-first: with the recordings of the session, then with the others; own-only: with those of the session, if any recording has a session; any: with all, in order.",
	},
	server_replay_reuse: {
		type: "boolean",
		default: false,
		help: "Answer all equal requests with the first recording. Same as server_replay_order=first.",
	},
} as const satisfies OptionTable;

export type IndexValues = Partial<OptionValues<typeof options>>;

export interface IndexExtras extends MatchExtras {
	/** The last check: whether a recording with the same key answers a request. */
	match?: MatchFunction | null;
	/** Which recordings are used; default: all. */
	selects?: (flow: HttpFlow) => boolean;
	/**
	 * Whether to open without waiting until all keys have been read; then call `takeKnown` instead of `takeRecording`.
	 */
	early?: boolean;
	/** Notes with rules of redaction, besides those of the tapes. */
	notes?: Metadata;
}

/** Maximum number of recordings of one key that are compared if more than their order decides. */
const CHOICE_LIMIT = 1000;
/** Number of flow summaries that are read together. */
const SUMMARIES = 2000;

/** Number of keys of which the recordings are grouped by session at a time. */
const SESSION_GROUPS = 10_000;

/** Recordings of a host that are examined for its HTTP version. */
const MAX_VERSION_LOOKUPS = 5;

/** By host and port. */
type Versions = Map<string, { looked: number; isHttp1Only: boolean }>;

export class ReplayIndex {
	readonly rules: MatchRules;
	readonly match: MatchFunction | null;
	readonly order: Order;
	readonly sessionOrder: SessionOrder;
	readonly indexes: readonly RecordingIndex[];
	readonly #decodeLimit: DecodeLimit;
	/** Shared by all sessions, so that each further session needs little memory. */
	readonly ready = new RecordingCache();
	readonly groups = new Map<string, KeyGroup>();
	/** The recordings by session, of keys for which they matter. */
	readonly #bySession = new Map<string, SessionGroup>();
	/** Sessions by name: each has its own order of recordings. */
	readonly #sessions = new Sessions<ReplaySession>(
		(name) => new ReplaySession(this, name),
		(forgotten) => forgotten.addUsed(this.#usedBefore),
	);
	/** For each tape, the recordings that were used before the order began anew, or by a session that was forgotten. */
	readonly #usedBefore: readonly Set<number>[];
	#versions: Versions | null = null;

	private constructor(
		indexes: readonly RecordingIndex[],
		rules: MatchRules,
		order: Order,
		sessionOrder: SessionOrder,
		match: MatchFunction | null,
	) {
		this.indexes = indexes;
		this.#usedBefore = indexes.map(() => new Set());
		this.#decodeLimit = new DecodeLimit(indexes);
		this.rules = rules;
		this.order = order;
		this.sessionOrder = sessionOrder === "own-only" && !this.#hasSessions() ? "any" : sessionOrder;
		this.match = match;
	}

	/**
	 * Indexes the recordings of tapes. With default matching and all flows selected, only the keys of a keyed tape are
	 * read; otherwise all its heads are read, and the request bodies if they are compared. Flows that are recorded to a
	 * keyed tape later are found too.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
	 */
	static async open(
		tapes: readonly RecordedTape[],
		values: IndexValues = {},
		extras: IndexExtras = {},
	): Promise<ReplayIndex> {
		const notes = await Promise.all(tapes.map((tape) => tape.notes?.() ?? {}));
		const allNotes = [...notes, extras.notes ?? {}];
		const withoutSecrets = await secretRemoverFor(allNotes);
		const hasFittingKeys = withoutSecrets === null ? tapes.map(() => true) : await keysWithoutSecrets(notes, allNotes);
		const rules = compileRules(values, { ...extras, withoutSecrets });
		const keyOf = (flow: FlowRequest) => requestKey(originalRequest(flow), rules);
		const indexes: RecordingIndex[] = [];
		for (const [i, tape] of tapes.entries())
			indexes.push(
				await openRecordingIndex(tape, {
					keyOf,
					isDefault: isDefault(values) && hasFittingKeys[i] === true,
					selects: extras.selects,
				}),
			);
		const order = values.server_replay_reuse ? "first" : (values.server_replay_order ?? profileOf(values).order);
		const sessionOrder = values.server_replay_session_order ?? "own-first";
		const index = new ReplayIndex(indexes, rules, order as Order, sessionOrder, extras.match ?? null);
		if (!extras.early) while (index.#growing !== null) await index.#growing;
		return index;
	}

	/** Resolves when more keys of the first incompletely read tape are known; null: all are known. */
	get #growing(): Promise<void> | null {
		return this.indexes.find(({ growing }) => growing)?.growing ?? null;
	}

	/** As `takeRecording`, but resolves as soon as the recording is certain, even if not all keys have been read yet. */
	takeKnown(flow: HttpFlow, session = ""): MaybeAsync<Recording | null> {
		return this.#growing === null ? this.takeRecording(flow, session) : this.#takeLater(flow, session);
	}

	async #takeLater(flow: HttpFlow, session: string): Promise<Recording | null> {
		for (let growing = this.#growing; growing !== null; growing = this.#growing) {
			const known = this.#isFirstEnough ? this.takeRecording(flow, session, false) : null;
			if (known !== null) return known;
			await growing;
		}
		return this.takeRecording(flow, session);
	}

	/** Whether the first known recording is the answer, even if more recordings follow it. */
	get #isFirstEnough(): boolean {
		const before = this.indexes.slice(0, -1);
		return (
			(this.order === "first" || this.order === "once") &&
			this.rules.choice === "first" &&
			this.match === null &&
			!before.some(({ growing }) => growing)
		);
	}

	/**
	 * Returns the recording that answers a request, and counts it as used in the session; null: there is none, or all are
	 * used. Sets the `decodedLimit` of the request.
	 */
	takeRecording(flow: HttpFlow, session = "", isAllKnown = true): Recording | null {
		const own = this.#sessions.get(session);
		this.#decodeLimit.apply(originalRequest(flow));
		const found = own.takeRecording(originalRequest(flow), isAllKnown);
		if (found !== null || flow.original === null) return found;
		// rules and scripts of this run may change a request so that it matches a recording
		this.#decodeLimit.apply(flow.request);
		return own.takeRecording(flow.request, isAllKnown);
	}

	/**
	 * Begins the order anew if a request has recordings and all of them are used: in a new run of the same client, the last
	 * one would answer the request otherwise. Returns null if the request has no recordings.
	 */
	beginAnewFor(request: Request): boolean | null {
		const recordings = this.equalRecordings(request).filter(({ flow }) => isAnswer(flow));
		if (recordings.length === 0) return null;
		if (recordings.some(({ uses }) => uses === 0)) return false;
		this.beginAnew();
		return true;
	}

	/** Begins the order anew in a session. Default: in all sessions. */
	beginAnew(session: string | null = null): void {
		if (session === null) this.#sessions.forgetAll();
		else this.#sessions.forget(session);
	}

	/** The URL of a request for messages: with redacted tapes, without secrets. */
	shownUrl(request: Request): string {
		const { withoutSecrets } = this.rules;
		if (withoutSecrets === null) return request.prettyUrl;
		const head = request.copy();
		head.body = null;
		return withoutSecrets(head).prettyUrl;
	}

	/** The recorded flows with the same key as a request, in order, including used ones. */
	equalRecordings(request: Request, limit = CHOICE_LIMIT): Candidate[] {
		return this.candidates(requestKey(request, this.rules), limit);
	}

	/** The recorded flows with a key, in order, including used ones. */
	candidates(key: string, limit = CHOICE_LIMIT): Candidate[] {
		const cursor = new Cursor(key, this.indexes);
		const found: Candidate[] = [];
		for (let ref = cursor.next(); ref !== null && found.length < limit; ref = cursor.next()) {
			const candidate = this.at(ref);
			if (candidate !== null) found.push(candidate);
		}
		return found;
	}

	/** The recorded flow of a reference; null: it was deleted. */
	at(ref: RecordingRef): Candidate | null {
		const flow = this.indexes[ref.tape]?.at(ref.seq);
		return flow?.type === "http" ? { flow, ref, uses: this.usesOf(ref) } : null;
	}

	/**
	 * Ends a session: if its name is used again, the order begins anew. Returns the number of recordings of the session
	 * that it has not used; if it has none of its own, of all recordings.
	 */
	endSession(name: string): number {
		const session = this.#sessions.get(name);
		let [own, ownUnused, unused] = [0, 0, 0];
		for (const [summary, tape] of this.summaries()) {
			if (!summary.isAnswer) continue;
			const isUnused = session.hasUsed({ tape, seq: summary.seq }) ? 0 : 1;
			unused += isUnused;
			if (summary.session !== name) continue;
			own++;
			ownUnused += isUnused;
		}
		this.#sessions.forget(name);
		return own > 0 ? ownUnused : unused;
	}

	#hasSessions(): boolean {
		for (const [{ session }] of this.summaries()) if (session !== null) return true;
		return false;
	}

	hasSessionsOf(key: string): boolean {
		return this.#bySession.size > 0 && this.#bySession.has(key);
	}

	bySession(key: string): SessionGroup["refs"] {
		let group = this.#bySession.get(key);
		if (group === undefined) {
			if (this.#bySession.size >= SESSION_GROUPS) this.#bySession.clear();
			group = { cursor: new Cursor(key, this.indexes), refs: new Map() };
			this.#bySession.set(key, group);
		}
		for (let ref = group.cursor.next(); ref !== null; ref = group.cursor.next()) {
			const session = this.indexes[ref.tape]?.sessionAt(ref.seq) ?? "";
			const refs = group.refs.get(session);
			if (refs === undefined) group.refs.set(session, [ref]);
			else refs.push(ref);
		}
		return group.refs;
	}

	/** How often a recording was used in all sessions. */
	usesOf(ref: RecordingRef): number {
		let uses = 0;
		for (const session of this.#sessions.values()) uses += session.usesOf(ref);
		return uses;
	}

	/** When the first recorded request was sent, in seconds since 1970; null: there is none. */
	recordedAt(): number | null {
		for (const [{ seq }, tape] of this.summaries()) return this.at({ tape, seq })?.flow.request.timestampStart ?? null;
		return null;
	}

	/** Whether the first recordings of a host all use TLS and HTTP/1; false if there are none. */
	isHttp1Only(host: string, port: number): boolean {
		this.#versions ??= this.#findVersions();
		return this.#versions.get(`${host.toLowerCase()}:${port}`)?.isHttp1Only ?? false;
	}

	#findVersions(): Versions {
		const versions: Versions = new Map();
		for (const [{ seq, scheme, host, port, isAnswer }, tape] of this.summaries()) {
			if (scheme !== "https" || !isAnswer) continue;
			const key = `${host.toLowerCase()}:${port}`;
			const known = versions.get(key) ?? { looked: 0, isHttp1Only: true };
			if (known.looked >= MAX_VERSION_LOOKUPS || !known.isHttp1Only) continue;
			const flow = this.at({ tape, seq })?.flow;
			if (flow == null) continue;
			known.looked++;
			known.isHttp1Only = /^HTTP\/1\./.test(flow.request.httpVersion);
			versions.set(key, known);
		}
		return versions;
	}

	/** Whether any session has used a recording or parts of it. */
	#hasUsed(ref: RecordingRef): boolean {
		if (this.#usedBefore[ref.tape]?.has(ref.seq)) return true;
		for (const session of this.#sessions.values()) if (session.hasUsed(ref)) return true;
		return false;
	}

	/** The number of recordings that can answer a request and were not used. */
	countUnused(): number {
		const answers = this.indexes.reduce((count, index) => count + index.countAnswers(), 0);
		return answers - this.#countUsed();
	}

	#countUsed(): number {
		const used = this.#usedBefore.map((seqs) => new Set(seqs));
		for (const session of this.#sessions.values()) session.addUsed(used);
		return used.reduce((count, seqs) => count + seqs.size, 0);
	}

	/** The recordings that can answer a request and were not used, in order. Reads all tapes. */
	*unused(): Generator<FlowSummary> {
		for (const [summary, tape] of this.summaries()) {
			if (summary.isAnswer && !this.#hasUsed({ tape, seq: summary.seq })) yield summary;
		}
	}

	/** All recorded HTTP flows with the index of their tape, in order. */
	*summaries(): Generator<[summary: FlowSummary, tape: number]> {
		for (const [tape, index] of this.indexes.entries()) {
			for (
				let batch = index.summaries(-1, SUMMARIES);
				batch.length > 0;
				batch = index.summaries((batch.at(-1) as FlowSummary).seq, SUMMARIES)
			)
				for (const summary of batch) yield [summary, tape];
		}
	}
}
