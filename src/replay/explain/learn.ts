// What varies between two recordings of the same scenario: the fields that replay should leave out when matching, found by comparing.
import { toText } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import { askedOf, requestKey } from "../match/key.ts";
import { hostOf, pathEnd } from "../match/parts.ts";
import { compileRules, type MatchRules } from "../match/rules.ts";
import { bodyDifferences, type Difference, headDifferences, type ReplayOption } from "./differences.ts";
import { distanceOf } from "./near-miss.ts";
import { volatileKind } from "./volatile.ts";

/** A field that differs between the recordings. */
export interface Finding {
	readonly option: ReplayOption | null;
	/** In words: `query field "t"`. */
	readonly part: Difference["part"];
	readonly name: string | null;
	/** What its values look like; null: like something that is meant. */
	readonly kind: string | null;
	/** Pairs of requests in which it differs, of those that have it. */
	readonly differing: number;
	readonly compared: number;
	/** Two values, and a request that had them. */
	readonly example: { readonly values: readonly [string | null, string | null]; readonly method: string; readonly url: string };
}

export interface NoiseReport {
	/** Pairs of requests. */
	readonly compared: number;
	/** Pairs that are equal as they are. */
	readonly equal: number;
	/** Requests for which the other recording has no counterpart. */
	readonly alone: readonly { readonly method: string; readonly url: string }[];
	readonly findings: readonly Finding[];
}

/** Requests of one kind that are paired with each other by their distance; where there are more, by their order. */
const PAIRED = 60;

/** Compares two recordings of the same scenario, request by request. */
export function learn(first: readonly HttpFlow[], second: readonly HttpFlow[]): NoiseReport {
	const rules = compileRules({});
	const [left, right] = [groups(first), groups(second)];
	const alone: Request[] = [];
	const tally = new Tally();
	for (const key of new Set([...left.keys(), ...right.keys()])) {
		const pairs = pair(left.get(key) ?? [], right.get(key) ?? [], rules);
		for (const [a, b] of pairs) {
			if (a === null || b === null) alone.push((a ?? b) as Request);
			else tally.add(a, b, rules);
		}
	}
	return { ...tally.counts, alone: alone.map(({ method, prettyUrl }) => ({ method: toText(method), url: prettyUrl })), findings: tally.findings() };
}

/** By what no option leaves out. */
function groups(flows: readonly HttpFlow[]): Map<string, Request[]> {
	const found = new Map<string, Request[]>();
	for (const flow of flows) {
		const request = askedOf(flow);
		const key = `${request.method} ${hostOf(request)} ${request.path.slice(0, pathEnd(request.path))}`;
		const group = found.get(key);
		if (group === undefined) found.set(key, [request]);
		else group.push(request);
	}
	return found;
}

type Pair = readonly [Request | null, Request | null];

/** Equal ones first, then the nearest. */
function pair(left: readonly Request[], right: readonly Request[], rules: MatchRules): Pair[] {
	const pairs: Pair[] = [];
	const rest: Request[] = [];
	const unpaired = [...right];
	const keys = unpaired.map((request) => requestKey(request, rules));
	for (const request of left) {
		const at = keys.indexOf(requestKey(request, rules));
		if (at < 0) rest.push(request);
		else pairs.push([request, unpaired.splice(at, 1)[0] ?? null]) && keys.splice(at, 1);
	}
	for (const request of rest) pairs.push([request, takeNearest(request, unpaired, rules)]);
	return [...pairs, ...unpaired.map((request): Pair => [null, request])];
}

function takeNearest(request: Request, from: Request[], rules: MatchRules): Request | null {
	const candidates = from.slice(0, from.length > PAIRED ? 1 : PAIRED);
	let [nearest, least] = [0, Number.POSITIVE_INFINITY];
	for (const [i, candidate] of candidates.entries()) {
		const distance = distanceOf(differencesOf(request, candidate, rules));
		if (distance < least) [nearest, least] = [i, distance];
	}
	return from.splice(nearest, 1)[0] ?? null;
}

function differencesOf(a: Request, b: Request, rules: MatchRules): Difference[] {
	return [...headDifferences(b, a, rules), ...bodyDifferences(b, a, rules)];
}

/** Counts differences by field; those in the elements of a JSON array are one field. */
class Tally {
	#compared = 0;
	#equal = 0;
	readonly #fields = new Map<string, { differences: [difference: Difference, request: Request][]; kinds: Set<string | null> }>();

	get counts(): { compared: number; equal: number } {
		return { compared: this.#compared, equal: this.#equal };
	}

	add(a: Request, b: Request, rules: MatchRules): void {
		this.#compared++;
		const differences = differencesOf(a, b, rules);
		if (differences.length === 0) this.#equal++;
		const seen = new Set<string>();
		for (const difference of differences) {
			const name = generalName(difference);
			const key = `${difference.part} ${name}`;
			const field = this.#fields.get(key) ?? { differences: [], kinds: new Set() };
			this.#fields.set(key, field);
			field.kinds.add(kindOf(difference));
			if (!seen.has(key)) field.differences.push([difference, b]);
			seen.add(key);
		}
	}

	findings(): Finding[] {
		return [...this.#fields.values()].map(({ differences, kinds }) => {
			const [difference, request] = differences[0] as [Difference, Request];
			const name = difference.name === undefined ? null : generalName(difference);
			return {
				option: difference.option === null || name === null ? difference.option : { ...difference.option, value: name },
				part: difference.part,
				name,
				kind: kinds.has(null) ? null : [...kinds].join(" or "),
				differing: differences.length,
				compared: this.#compared,
				example: { values: [difference.recorded, difference.sent], method: toText(request.method), url: request.prettyUrl },
			};
		});
	}
}

/** Above this servers are on ports that were free when they started. */
const FREE_PORTS = 10_000;

function generalName({ part, name = "" }: Difference): string {
	return part === "json" ? name.replace(/\/\d+(?=\/|$)/g, "/*") : name;
}

function kindOf({ part, recorded, sent }: Difference): string | null {
	if (part === "notation" || part === "query order") return "written differently";
	if (part === "port") return Number(recorded) >= FREE_PORTS && Number(sent) >= FREE_PORTS ? "free port" : null;
	if (recorded === null || sent === null) return null;
	const bare = (value: string) => (part === "json" && /^".*"$/s.test(value) ? (JSON.parse(value) as string) : value);
	return volatileKind(bare(recorded), bare(sent));
}
