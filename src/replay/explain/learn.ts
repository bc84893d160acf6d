// Compares two recordings of the same scenario to find the varying fields that matching should ignore.
import { toText } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import { groupBy } from "../../flow/group-by.ts";
import type { Request } from "../../flow/message.ts";
import { originalRequest, requestKey } from "../match/key.ts";
import { hostOf, pathEnd } from "../match/parts.ts";
import { compileRules, type MatchRules } from "../match/rules.ts";
import { bodyDifferences, headDifferences, type ReplayOption, type RequestDifference } from "./differences.ts";
import { distanceOf } from "./near-miss.ts";
import { volatileKind } from "./volatile.ts";

/** A field that differs between the recordings. */
export interface VaryingPart {
	readonly option: ReplayOption | null;
	/** The part of the request, such as `query`. */
	readonly part: RequestDifference["part"];
	readonly name: string | null;
	/** The kind of its values, such as "UUID"; null: they do not look generated. */
	readonly kind: string | null;
	/** Number of request pairs in which it differs. */
	readonly differing: number;
	readonly compared: number;
	/** Two values, and a request with the second one. */
	readonly example: {
		readonly values: readonly [string | null, string | null];
		readonly method: string;
		readonly url: string;
	};
}

export interface NoiseReport {
	/** Number of request pairs. */
	readonly compared: number;
	/** Number of equal pairs. */
	readonly equal: number;
	/** Requests that only one of the recordings has. */
	readonly alone: readonly { readonly method: string; readonly url: string }[];
	readonly findings: readonly VaryingPart[];
}

/** If more requests of a group are unpaired, the first one is taken instead of the nearest. */
const PAIRED = 60;

/** Compares two recordings of the same scenario, request by request. */
export function learn(first: readonly HttpFlow[], second: readonly HttpFlow[]): NoiseReport {
	const rules = compileRules({});
	const [left, right] = [groups(first), groups(second)];
	const alone: Request[] = [];
	const varying = new VaryingParts();
	for (const key of new Set([...left.keys(), ...right.keys()])) {
		const pairs = pair(left.get(key) ?? [], right.get(key) ?? [], rules);
		for (const [a, b] of pairs) {
			if (a === null || b === null) alone.push((a ?? b) as Request);
			else varying.add(a, b, rules);
		}
	}
	return {
		...varying.counts,
		alone: alone.map(({ method, prettyUrl }) => ({ method: toText(method), url: prettyUrl })),
		findings: varying.findings(),
	};
}

/** Groups requests by method, host and path. */
function groups(flows: readonly HttpFlow[]): Map<string, Request[]> {
	return groupBy(
		flows.map(originalRequest),
		(request) => `${request.method} ${hostOf(request)} ${request.path.slice(0, pathEnd(request.path))}`,
	);
}

type Pair = readonly [Request | null, Request | null];

/** Pairs equal requests first, then each of the others with the nearest. */
function pair(left: readonly Request[], right: readonly Request[], rules: MatchRules): Pair[] {
	const pairs: Pair[] = [];
	const rest: Request[] = [];
	const unpaired = [...right];
	const keys = unpaired.map((request) => requestKey(request, rules));
	for (const request of left) {
		const at = keys.indexOf(requestKey(request, rules));
		if (at < 0) {
			rest.push(request);
			continue;
		}
		pairs.push([request, unpaired.splice(at, 1)[0] ?? null]);
		keys.splice(at, 1);
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

function differencesOf(a: Request, b: Request, rules: MatchRules): RequestDifference[] {
	return [...headDifferences(b, a, rules), ...bodyDifferences(b, a, rules)];
}

/** Counts differences by field. The elements of a JSON array count as one field. */
class VaryingParts {
	#compared = 0;
	#equal = 0;
	readonly #fields = new Map<
		string,
		{ differences: [difference: RequestDifference, request: Request][]; kinds: Set<string | null> }
	>();

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

	findings(): VaryingPart[] {
		return [...this.#fields.values()].map(({ differences, kinds }) => {
			const [difference, request] = differences[0] as [RequestDifference, Request];
			const name = difference.name === undefined ? null : generalName(difference);
			return {
				option: difference.option === null || name === null ? difference.option : { ...difference.option, value: name },
				part: difference.part,
				name,
				kind: kinds.has(null) ? null : [...kinds].join(" or "),
				differing: differences.length,
				compared: this.#compared,
				example: {
					values: [difference.recorded, difference.sent],
					method: toText(request.method),
					url: request.prettyUrl,
				},
			};
		});
	}
}

/** Ports from this number on were probably chosen at random. */
const FREE_PORTS = 10_000;

function generalName({ part, name = "" }: RequestDifference): string {
	return part === "json" ? name.replace(/\/\d+(?=\/|$)/g, "/*") : name;
}

function kindOf({ part, recorded, sent }: RequestDifference): string | null {
	if (part === "notation" || part === "query order") return "written differently";
	if (part === "port") return Number(recorded) >= FREE_PORTS && Number(sent) >= FREE_PORTS ? "free port" : null;
	if (recorded === null || sent === null) return null;
	const bare = (value: string) => (part === "json" && /^".*"$/s.test(value) ? (JSON.parse(value) as string) : value);
	return volatileKind(bare(recorded), bare(sent));
}
