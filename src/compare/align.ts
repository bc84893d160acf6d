// Pairs the flows of two recordings: first those with equal requests, in order; then those with the same method,
// scheme, host and path.
import type { HttpFlow } from "../flow/flow.ts";
import { splitPath } from "../flow/url.ts";

export interface Aligned {
	/** In the order of the second recording within each of the two passes. */
	pairs: { before: HttpFlow; after: HttpFlow }[];
	/** Only in the first recording. */
	removed: HttpFlow[];
	/** Only in the second recording. */
	added: HttpFlow[];
}

/**
 * Pairs flows.
 * @param keyOf returns the same key for requests that are equal
 */
export function align(
	before: Iterable<HttpFlow>,
	after: Iterable<HttpFlow>,
	keyOf: (flow: HttpFlow) => string,
): Aligned {
	const exact = new FlowQueues(before, keyOf);
	const pairs: Aligned["pairs"] = [];
	const unpaired: HttpFlow[] = [];
	for (const flow of after) {
		const match = exact.take(flow);
		if (match === undefined) unpaired.push(flow);
		else pairs.push({ before: match, after: flow });
	}
	const alike = new FlowQueues(exact.untaken(), endpointOf);
	const added: HttpFlow[] = [];
	for (const flow of unpaired) {
		const match = alike.take(flow);
		if (match === undefined) added.push(flow);
		else pairs.push({ before: match, after: flow });
	}
	return { pairs, removed: alike.untaken(), added };
}

/** Method, scheme, host and path, without query. */
function endpointOf({ request }: HttpFlow): string {
	return `${request.method} ${request.scheme} ${request.prettyHost} ${splitPath(request.path).path}`;
}

/** Queues of flows by a key, first in, first out. */
class FlowQueues {
	readonly #keyOf: (flow: HttpFlow) => string;
	readonly #queues = new Map<string, { flows: HttpFlow[]; taken: number }>();

	constructor(flows: Iterable<HttpFlow>, keyOf: (flow: HttpFlow) => string) {
		this.#keyOf = keyOf;
		for (const flow of flows) {
			const key = keyOf(flow);
			const queue = this.#queues.get(key);
			if (queue === undefined) this.#queues.set(key, { flows: [flow], taken: 0 });
			else queue.flows.push(flow);
		}
	}

	take(flow: HttpFlow): HttpFlow | undefined {
		const queue = this.#queues.get(this.#keyOf(flow));
		return queue?.flows[queue.taken++];
	}

	untaken(): HttpFlow[] {
		return [...this.#queues.values()].flatMap(({ flows, taken }) => flows.slice(taken));
	}
}
