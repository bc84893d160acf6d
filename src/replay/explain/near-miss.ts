// Why no recording answers a request: the recorded requests nearest to it, for each what differs and what would make it match.

import { toText } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import { fitOf } from "../answer/fit.ts";
import { askedOf } from "../match/key.ts";
import { NO_WISH, wishOf } from "../match/wish.ts";
import type { Candidate, ReplayIndex } from "../recordings/index-of-tapes.ts";
import { answerOf, endOfAnswer, isAnswer, isKept } from "../recordings/keyed-tape.ts";
import { Candidates } from "./candidates.ts";
import { bodyDifferences, type Difference, headDifferences, type Part, type ReplayOption, wishDifferences } from "./differences.ts";
import { CpuBudget } from "./time-budget.ts";

/** A recorded request and how it differs from one that was sent. */
export interface NearMiss {
	/** Of the recorded flow. */
	readonly id: string;
	readonly method: string;
	readonly url: string;
	/** null: it has no response, and can answer nothing. */
	readonly status: number | null;
	/** Whether its body was kept; else it can answer nothing. */
	readonly kept: boolean;
	/** How often it answered. */
	readonly uses: number;
	readonly distance: number;
	readonly differences: readonly Difference[];
	/** What would make it answer; null: no options do. */
	readonly options: readonly ReplayOption[] | null;
}

/** What a difference in a part counts, and the most that all of one part count. docs/replay.md has this table. */
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
};

/** Near misses that are told of. */
const SHOWN = 3;
/** Of the nearest by their heads, so many have their bodies compared. */
const COMPARED = 16;
/** With more differences in a body than this it is the body as a whole that has to be ignored. */
const OPTIONS_LIMIT = 8;
/** What comparing may take of the process: for so long at once, and then this share, so that many misses do not hold up what is answered. */
const BURST_MS = 2000;
const SHARE = 0.2;

/** Finds the nearest recordings, at a bounded cost. */
export class NearMisses {
	readonly #index: ReplayIndex;
	readonly #neighbours: Candidates;
	readonly #allowance: CpuBudget;

	constructor(index: ReplayIndex, allowance = new CpuBudget(BURST_MS, SHARE)) {
		this.#index = index;
		this.#allowance = allowance;
		this.#neighbours = new Candidates(index);
	}

	/** The nearest recordings, nearest first; null when too much time went into this already. */
	async to(request: Request, limit = SHOWN): Promise<NearMiss[] | null> {
		await this.#neighbours.ready();
		return this.#allowance.isSpent ? null : this.#allowance.spend(() => this.#nearest(request, limit));
	}

	/** The recorded flow of the request that a preflight asks for, whatever its body is; null when there is none. */
	async askedBy(preflight: Request): Promise<HttpFlow | null> {
		await this.#neighbours.ready();
		const request = preflight.copy();
		request.method = preflight.headers.raw("access-control-request-method")?.trim() ?? "";
		// the headers of the request itself are not known
		const rules = { ...this.#index.rules, headers: [] };
		const found = this.#neighbours.of(request).find(({ flow }) => isAnswer(flow) && headDifferences(request, askedOf(flow), rules).length === 0);
		return found?.flow ?? null;
	}

	#nearest(request: Request, limit: number): NearMiss[] {
		const byHead = this.#neighbours.of(request).map((candidate) => this.#compareHeads(request, candidate));
		byHead.sort((a, b) => a.distance - b.distance || a.sizeGap - b.sizeGap);
		const whole = byHead.slice(0, COMPARED).map(({ candidate, differences }) => this.#compare(request, candidate, differences));
		return whole.sort((a, b) => a.distance - b.distance || a.uses - b.uses).slice(0, limit);
	}

	#compareHeads(request: Request, candidate: Candidate) {
		const differences = headDifferences(request, askedOf(candidate.flow), this.#index.rules);
		const sizeGap = Math.abs((request.bodySize ?? 0) - (askedOf(candidate.flow).bodySize ?? 0));
		return { candidate, differences, distance: distanceOf(differences), sizeGap };
	}

	#compare(request: Request, { flow, uses }: Candidate, heads: readonly Difference[]): NearMiss {
		const recorded = askedOf(flow);
		const differences = [...heads, ...bodyDifferences(request, recorded, this.#index.rules)];
		const { match, order } = this.#index;
		if (differences.length === 0 && match !== null && !match(request, recorded)) differences.push({ part: "match", recorded: null, sent: null, option: null });
		if (isAnswer(flow) && !isFit(request, flow)) differences.push(...wishDifferences(request, recorded));
		const isSpent = uses > 0 && order === "once";
		return {
			id: flow.id,
			method: toText(recorded.method),
			url: recorded.prettyUrl,
			status: flow.response?.statusCode ?? null,
			kept: isKept(flow),
			uses,
			distance: distanceOf(differences),
			differences,
			options: isAnswer(flow) ? optionsFor(differences, isSpent) : null,
		};
	}
}

/** Whether a recording answers who asks for this part, or has that copy already. */
function isFit(request: Request, flow: HttpFlow): boolean {
	const ask = { method: request.method.toUpperCase(), wish: wishOf(request) ?? NO_WISH, accept: request.headers.raw("accept-encoding") };
	const answer = answerOf(flow);
	return fitOf(ask, { wish: wishOf(askedOf(flow)), response: answer.response, end: endOfAnswer(answer) }) !== null;
}

/** A sum over the differences, by the weights of their parts; of a path, each segment counts, and half when it is alike. */
export function distanceOf(differences: readonly Difference[]): number {
	const sums = new Map<Part, number>();
	for (const difference of differences) {
		const { part } = difference;
		const [each, most] = weights[part];
		const count = part === "path" ? differingSegments(difference) : 1;
		sums.set(part, Math.min((sums.get(part) ?? 0) + each * count, most));
	}
	return [...sums.values()].reduce((sum, each) => sum + each, 0);
}

function differingSegments({ recorded, sent }: Difference): number {
	const [a, b] = [(recorded ?? "").split("/"), (sent ?? "").split("/")];
	let count = 0;
	for (let i = 0; i < Math.max(a.length, b.length); i++) if (a[i] !== b[i]) count += isAlike(a[i] ?? "", b[i] ?? "") ? 0.5 : 1;
	return count;
}

/** Whether two words have at least half of their characters in common, at the beginning and at the end. */
function isAlike(a: string, b: string): boolean {
	const [short, long] = [Math.min(a.length, b.length), Math.max(a.length, b.length)];
	let start = 0;
	while (start < short && a[start] === b[start]) start++;
	let end = 0;
	while (end < short - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
	return start + end >= long / 2;
}

/** All options that are needed; null where one difference has none. */
function optionsFor(differences: readonly Difference[], isSpent: boolean): ReplayOption[] | null {
	const options: ReplayOption[] = [];
	for (const { option } of manyAsOne(differences)) {
		if (option === null) return null;
		options.push(option);
	}
	return isSpent ? [...options, { name: "server_replay_order", value: "sequence" }] : options;
}

function manyAsOne(differences: readonly Difference[]): readonly Pick<Difference, "option">[] {
	const isInside = ({ part }: Difference) => part === "json" || part === "form";
	const inside = differences.filter(isInside).length;
	if (inside <= OPTIONS_LIMIT) return differences;
	return [...differences.filter((each) => !isInside(each)), { option: { name: "server_replay_ignore_content", value: true } }];
}
