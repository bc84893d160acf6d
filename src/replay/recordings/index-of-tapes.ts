// The recordings of all tapes by their key, and the sessions that are answered from them.
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Recording } from "../answer/recording.ts";
import { type Asked, askedOf, requestKey } from "../match/key.ts";
import { compileRules, isDefault, type MatchExtras, type MatchRules, options as matchOptions, type Order, profileOf } from "../match/rules.ts";
import { Cursor, type RecordingRef } from "./cursor.ts";
import { DecodeLimit } from "./decode-limit.ts";
import { type FlowSummary, openRecordingIndex, type RecordedTape, type RecordingIndex } from "./keyed-tape.ts";
import { type Candidate, type MatchFunction, ReplaySession } from "./session.ts";

export { type FlowSummary, isAnswer, type KeyedTape, type RecordedTape } from "./keyed-tape.ts";
export type { Candidate, MatchFunction } from "./session.ts";

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

export interface IndexExtras extends MatchExtras {
	/** Has the last word. */
	match?: MatchFunction | null;
	/** Recordings that count; default: all. */
	selects?: (flow: HttpFlow) => boolean;
	/** Do not wait until all keys are known: then recordings are to be asked for by `takeKnown`. */
	early?: boolean;
}

/** Recordings of one key that are looked at where more than their order decides. */
const CHOICE_LIMIT = 1000;
/** Outlines that are asked for at once. */
const OUTLINES = 2000;

/** Recordings of a host that are looked at for the version of HTTP. */
const VERSIONS_LOOKED = 5;

/** By host and port. */
type Versions = Map<string, { looked: number; isHttp1Only: boolean }>;

export class ReplayIndex {
	readonly rules: MatchRules;
	readonly match: MatchFunction | null;
	readonly order: Order;
	readonly indexes: readonly RecordingIndex[];
	readonly #decodeLimit: DecodeLimit;
	/** Clients that do not step on each other, by name. */
	readonly #sessions = new Map<string, ReplaySession>();
	#versions: Versions | null = null;

	private constructor(indexes: readonly RecordingIndex[], rules: MatchRules, order: Order, match: MatchFunction | null) {
		this.indexes = indexes;
		this.#decodeLimit = new DecodeLimit(indexes);
		this.rules = rules;
		this.order = order;
		this.match = match;
	}

	/**
	 * Opens the recordings of tapes, one after the other. A keyed tape is not read as long as the matching is the default one and all flows
	 * count; of others all heads are, and the bodies of requests where they count. What is recorded to a keyed tape meanwhile is found.
	 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
	 */
	static async open(tapes: readonly RecordedTape[], values: IndexValues = {}, extras: IndexExtras = {}): Promise<ReplayIndex> {
		const rules = compileRules(values, extras);
		const keyOf = (flow: Asked) => requestKey(askedOf(flow), rules);
		const indexes: RecordingIndex[] = [];
		for (const tape of tapes) indexes.push(await openRecordingIndex(tape, { keyOf, isDefault: isDefault(values), selects: extras.selects }));
		const order = values.server_replay_reuse ? "first" : (values.server_replay_order ?? profileOf(values).order);
		const index = new ReplayIndex(indexes, rules, order as Order, extras.match ?? null);
		if (!extras.early) while (index.#growing !== null) await index.#growing;
		return index;
	}

	/** Resolves when more is known of the first tape of which not all is; null when all is known. */
	get #growing(): Promise<void> | null {
		return this.indexes.find(({ growing }) => growing)?.growing ?? null;
	}

	/** As `take`, as soon as it is known which recording that is: the tapes may still be gone through. */
	takeKnown(flow: HttpFlow, session = ""): Recording | null | Promise<Recording | null> {
		return this.#growing === null ? this.take(flow, session) : this.#takeLater(flow, session);
	}

	async #takeLater(flow: HttpFlow, session: string): Promise<Recording | null> {
		for (let growing = this.#growing; growing !== null; growing = this.#growing) {
			const known = this.#isFirstEnough ? this.take(flow, session, false) : null;
			if (known !== null) return known;
			await growing;
		}
		return this.take(flow, session);
	}

	/** Whether the first recording that is known is the one to give, whatever comes after it. */
	get #isFirstEnough(): boolean {
		const before = this.indexes.slice(0, -1);
		return (this.order === "first" || this.order === "once") && this.rules.choice === "first" && this.match === null && !before.some(({ growing }) => growing);
	}

	/**
	 * The recording that answers a request; null when there is none or all are used up. It counts as used in the session from now on.
	 * The request's body is not decoded beyond what recordings ask for from now on.
	 */
	take(flow: HttpFlow, session = "", isAllKnown = true): Recording | null {
		const own = this.#session(session);
		this.#decodeLimit.apply(askedOf(flow));
		const found = own.take(askedOf(flow), isAllKnown);
		if (found !== null || flow.original === null) return found;
		// rules and scripts of this run may have been made to bring a request to what was recorded
		this.#decodeLimit.apply(flow.request);
		return own.take(flow.request, isAllKnown);
	}

	#session(name: string): ReplaySession {
		const known = this.#sessions.get(name);
		if (known !== undefined) return known;
		const session = new ReplaySession(this);
		this.#sessions.set(name, session);
		return session;
	}

	/** The recorded flows that have the key of a request, in order, used ones too. */
	equals(request: Request, limit = CHOICE_LIMIT): Candidate[] {
		return this.candidates(requestKey(request, this.rules), limit);
	}

	/** The recorded flows with a key, in order, used ones too. */
	candidates(key: string, limit = CHOICE_LIMIT): Candidate[] {
		const cursor = new Cursor(key, this.indexes);
		const found: Candidate[] = [];
		for (let spot = cursor.next(); spot !== null && found.length < limit; spot = cursor.next()) {
			const candidate = this.at(spot);
			if (candidate !== null) found.push(candidate);
		}
		return found;
	}

	/** The recorded flow at a spot; null when it is gone. */
	at(spot: RecordingRef): Candidate | null {
		const flow = this.indexes[spot.tape]?.at(spot.place);
		return flow?.type === "http" ? { flow, spot, uses: this.usesOf(spot) } : null;
	}

	/** In all sessions. */
	usesOf(spot: RecordingRef): number {
		let uses = 0;
		for (const session of this.#sessions.values()) uses += session.usesOf(spot);
		return uses;
	}

	/** When the first recorded request was sent, in seconds since 1970; null where there is none. */
	recordedAt(): number | null {
		for (const [{ place }, tape] of this.outlines()) return this.at({ tape, place })?.flow.request.timestampStart ?? null;
		return null;
	}

	/** Whether a host was recorded over TLS, and in HTTP/1.1 alone, as far as its first recordings tell. */
	isHttp1Only(host: string, port: number): boolean {
		this.#versions ??= this.#findVersions();
		return this.#versions.get(`${host.toLowerCase()}:${port}`)?.isHttp1Only ?? false;
	}

	#findVersions(): Versions {
		const versions: Versions = new Map();
		for (const [{ place, scheme, host, port, isAnswer }, tape] of this.outlines()) {
			if (scheme !== "https" || !isAnswer) continue;
			const key = `${host.toLowerCase()}:${port}`;
			const known = versions.get(key) ?? { looked: 0, isHttp1Only: true };
			if (known.looked >= VERSIONS_LOOKED || !known.isHttp1Only) continue;
			const flow = this.at({ tape, place })?.flow;
			if (flow == null) continue;
			known.looked++;
			known.isHttp1Only = /^HTTP\/1\./.test(flow.request.httpVersion);
			versions.set(key, known);
		}
		return versions;
	}

	/** In any session, as a whole or in parts. */
	#hasUsed(spot: RecordingRef): boolean {
		for (const session of this.#sessions.values()) if (session.hasUsed(spot)) return true;
		return false;
	}

	/** How many recordings that could have answered never did. */
	countUnused(): number {
		const answers = this.indexes.reduce((count, index) => count + index.countAnswers(), 0);
		return answers - this.#countUsed();
	}

	#countUsed(): number {
		const used = this.indexes.map(() => new Set<number>());
		for (const session of this.#sessions.values()) session.addUsed(used);
		return used.reduce((count, places) => count + places.size, 0);
	}

	/** Recordings that could have answered and never did, in order. Goes through all tapes. */
	*unused(): Generator<FlowSummary> {
		for (const [outline, tape] of this.outlines()) {
			if (outline.isAnswer && !this.#hasUsed({ tape, place: outline.place })) yield outline;
		}
	}

	/** All recorded HTTP flows with the number of their tape, in order. */
	*outlines(): Generator<[outline: FlowSummary, tape: number]> {
		for (const [tape, index] of this.indexes.entries()) {
			for (let batch = index.outlines(-1, OUTLINES); batch.length > 0; batch = index.outlines((batch.at(-1) as FlowSummary).place, OUTLINES))
				for (const outline of batch) yield [outline, tape];
		}
	}
}
