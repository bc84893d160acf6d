// Explains a miss: finds the nearest recorded requests, their differences, and the options that would make them match.

import { toText } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import { isKept } from "../../flow/kept-body.ts";
import type { Request } from "../../flow/message.ts";
import { schedule } from "../../flow/scheduler.ts";
import { exchangeOf, fitOf, requestSpecOf } from "../answer/fit.ts";
import { conditionsOf } from "../match/conditions.ts";
import { comparedRequest, originalRequest } from "../match/key.ts";
import type { RecordingRef } from "../recordings/cursor.ts";
import type { Candidate, ReplayIndex } from "../recordings/index-of-tapes.ts";
import { answerOf, isAnswer } from "../recordings/keyed-tape.ts";
import { Candidates } from "./candidates.ts";
import { CpuBudget } from "./cpu-budget.ts";
import {
	bodyDifferences,
	conditionDifferences,
	headDifferences,
	type Part,
	type ReplayOption,
	type RequestDifference,
} from "./differences.ts";

/** A recorded request and its differences from the missed one. */
export interface NearMiss {
	/** Id of the recorded flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** null: it has no response, so it cannot answer a request. */
	readonly status: number | null;
	/** Whether its response body was recorded and is intact. Without it, the recording cannot answer a request. */
	readonly kept: boolean;
	/** Whether its response body was recorded and is damaged. */
	readonly damaged: boolean;
	/** How often it was used. */
	readonly uses: number;
	readonly distance: number;
	readonly differences: readonly RequestDifference[];
	/** The options with which it would answer; null: it would not answer with any options. */
	readonly options: readonly ReplayOption[] | null;
}

/**
 * The weight of one difference in each part, and the maximum for all differences in that part. docs/replay.md has this
 * table.
 */
export const weights: Readonly<Record<Part, readonly [each: number, most: number]>> = {
	method: [8, 8],
	host: [6, 6],
	path: [2, 10],
	query: [2, 6],
	"query order": [1, 1],
	scheme: [2, 2],
	port: [2, 2],
	header: [1, 3],
	cookie: [1, 3],
	json: [1, 4],
	form: [1, 4],
	body: [4, 4],
	notation: [1, 1],
	match: [1, 1],
	range: [1, 1],
	condition: [1, 1],
	session: [1, 1],
};

/** Near misses that are returned by default. */
const SHOWN = 3;
/** Maximum number of recordings whose bodies are compared: those with the nearest heads. */
const COMPARED = 16;
/** If a body has more differences, the option to ignore the whole body is suggested. */
const OPTIONS_LIMIT = 8;
/**
 * Limits of the CPU time for comparing: a burst in milliseconds, then a fraction of wall time. Many misses therefore do
 * not delay other responses.
 */
const BURST_MS = 2000;
const SHARE = 0.2;

/** Finds the nearest recordings, at a bounded cost. */
export class NearMisses {
	readonly #index: ReplayIndex;
	readonly #candidates: Candidates;
	readonly #budget: CpuBudget;

	constructor(index: ReplayIndex, budget = new CpuBudget(BURST_MS, SHARE)) {
		this.#index = index;
		this.#budget = budget;
		this.#candidates = new Candidates(index);
	}

	/**
	 * The nearest recordings, nearest first; null: the CPU budget is spent.
	 * @param session the session of the client; null: none
	 */
	async nearestTo(
		request: Request,
		{ limit = SHOWN, session = null }: { limit?: number; session?: string | null } = {},
	): Promise<NearMiss[] | null> {
		await this.#candidates.ready();
		// pauses between many misses, which would otherwise all be explained in one turn of the event loop
		return schedule(
			() => 1,
			() => (this.#budget.isSpent ? null : this.#budget.spend(() => this.#nearest(request, session).slice(0, limit))),
		);
	}

	/** The recorded flow of the request that a preflight announces, with any headers and body; null: there is none. */
	async announcedBy(preflight: Request): Promise<HttpFlow | null> {
		await this.#candidates.ready();
		const request = preflight.copy();
		request.method = preflight.headers.raw("access-control-request-method")?.trim() ?? "";
		// the headers of that request are not known
		const rules = { ...this.#index.rules, headers: [] };
		const found = this.#candidates
			.candidatesFor(request)
			.find(({ flow }) => isAnswer(flow) && headDifferences(request, originalRequest(flow), rules).length === 0);
		return found?.flow ?? null;
	}

	#nearest(sent: Request, session: string | null): NearMiss[] {
		const request = this.#compared(sent);
		const byHead = this.#candidates.candidatesFor(request).map((candidate) => this.#compareHeads(request, candidate));
		byHead.sort((a, b) => a.distance - b.distance || a.sizeGap - b.sizeGap);
		const whole = byHead
			.slice(0, COMPARED)
			.map(({ candidate, differences }) => this.#compare({ request, session }, candidate, differences));
		return whole
			.filter(({ differences }) => isNear(differences))
			.sort((a, b) => a.distance - b.distance || a.uses - b.uses);
	}

	#compared(request: Request): Request {
		return comparedRequest(request, this.#index.rules);
	}

	#compareHeads(request: Request, candidate: Candidate) {
		const differences = headDifferences(request, this.#compared(originalRequest(candidate.flow)), this.#index.rules);
		const sizeGap = Math.abs((request.bodySize ?? 0) - (originalRequest(candidate.flow).bodySize ?? 0));
		return { candidate, differences, distance: distanceOf(differences), sizeGap };
	}

	#compare(
		{ request, session }: { request: Request; session: string | null },
		{ flow, ref, uses }: Candidate,
		heads: readonly RequestDifference[],
	): NearMiss {
		const recorded = this.#compared(originalRequest(flow));
		const differences = [...heads, ...bodyDifferences(request, recorded, this.#index.rules)];
		const { match, order, sessionOrder } = this.#index;
		if (differences.length === 0 && match !== null && !match(request, recorded))
			differences.push({ part: "match", recorded: null, sent: null, option: null });
		if (isAnswer(flow) && !isFit(request, flow)) differences.push(...conditionDifferences(request, recorded));
		if (sessionOrder === "own-only" && flow.session !== session)
			differences.push({
				part: "session",
				recorded: flow.session,
				sent: session,
				option: { name: "server_replay_session_order", value: "own-first" },
			});
		const isSpent = uses > 0 && order === "once";
		const kept = isKept(flow);
		return {
			id: flow.id,
			method: toText(recorded.method),
			url: recorded.prettyUrl,
			status: flow.response?.statusCode ?? null,
			kept,
			damaged: !kept && this.#hasBody(ref),
			uses,
			distance: distanceOf(differences),
			differences,
			options: isAnswer(flow) ? optionsFor(differences, isSpent) : null,
		};
	}

	/** Whether the columns of the tape say that a response has a body. */
	#hasBody({ tape, seq }: RecordingRef): boolean {
		return this.#index.indexes[tape]?.summaries(seq - 1, 1)[0]?.isAnswer === true;
	}
}

/** Whether a recording can answer the ranges and conditions of a request. */
function isFit(request: Request, flow: HttpFlow): boolean {
	const recorded = exchangeOf(answerOf(flow), conditionsOf(originalRequest(flow)));
	return fitOf(requestSpecOf(request, conditionsOf(request)), recorded) !== null;
}

/** Whether a recording has the host of the request or one like it, or at least half of its path. */
function isNear(differences: readonly RequestDifference[]): boolean {
	const host = differences.find(({ part }) => part === "host");
	if (host === undefined || isAlike(host.recorded ?? "", host.sent ?? "")) return true;
	const path = differences.find(({ part }) => part === "path");
	if (path === undefined) return true;
	const segments = Math.max(...[path.recorded, path.sent].map((each) => (each ?? "").split("/").length - 1));
	return differingSegments(path) <= segments / 2;
}

/** The weighted sum of the differences. In a path, each segment that differs counts once, or half if it is similar. */
export function distanceOf(differences: readonly RequestDifference[]): number {
	const sums = new Map<Part, number>();
	for (const difference of differences) {
		const { part } = difference;
		const [each, most] = weights[part];
		const count = part === "path" ? differingSegments(difference) : 1;
		sums.set(part, Math.min((sums.get(part) ?? 0) + each * count, most));
	}
	return [...sums.values()].reduce((sum, each) => sum + each, 0);
}

function differingSegments({ recorded, sent }: RequestDifference): number {
	const [a, b] = [(recorded ?? "").split("/"), (sent ?? "").split("/")];
	let count = 0;
	for (let i = 0; i < Math.max(a.length, b.length); i++)
		if (a[i] !== b[i]) count += isAlike(a[i] ?? "", b[i] ?? "") ? 0.5 : 1;
	return count;
}

/** Whether two words share at least half of their characters as common prefix and suffix. */
function isAlike(a: string, b: string): boolean {
	const [short, long] = [Math.min(a.length, b.length), Math.max(a.length, b.length)];
	let start = 0;
	while (start < short && a[start] === b[start]) start++;
	let end = 0;
	while (end < short - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
	return start + end >= long / 2;
}

/** The options that would ignore all differences; null: no option ignores one of them. */
function optionsFor(differences: readonly RequestDifference[], isSpent: boolean): ReplayOption[] | null {
	const options: ReplayOption[] = [];
	for (const { option } of joinManyDifferences(differences)) {
		if (option === null) return null;
		options.push(option);
	}
	return isSpent ? [...options, { name: "server_replay_order", value: "sequence" }] : options;
}

function joinManyDifferences(differences: readonly RequestDifference[]): readonly Pick<RequestDifference, "option">[] {
	const isInside = ({ part }: RequestDifference) => part === "json" || part === "form";
	const inside = differences.filter(isInside).length;
	if (inside <= OPTIONS_LIMIT) return differences;
	return [
		...differences.filter((each) => !isInside(each)),
		{ option: { name: "server_replay_ignore_content", value: true } },
	];
}
