// Which flow of one recording is which of another: those with the same request, in their order; then those whose requests are alike.
import type { HttpFlow } from "../flow/flow.ts";
import { splitPath } from "../flow/url.ts";

export interface Aligned {
	/** In the order of the second recording, which those that are gone follow. */
	pairs: { before: HttpFlow; after: HttpFlow }[];
	gone: HttpFlow[];
	fresh: HttpFlow[];
}

/** @param keyOf what makes two requests the same */
export function align(before: Iterable<HttpFlow>, after: Iterable<HttpFlow>, keyOf: (flow: HttpFlow) => string): Aligned {
	const exact = new Queues(before, keyOf);
	const pairs: Aligned["pairs"] = [];
	const unpaired: HttpFlow[] = [];
	for (const flow of after) {
		const match = exact.take(flow);
		if (match === undefined) unpaired.push(flow);
		else pairs.push({ before: match, after: flow });
	}
	const alike = new Queues(exact.rest(), placeOf);
	const fresh: HttpFlow[] = [];
	for (const flow of unpaired) {
		const match = alike.take(flow);
		if (match === undefined) fresh.push(flow);
		else pairs.push({ before: match, after: flow });
	}
	return { pairs, gone: alike.rest(), fresh };
}

/** Where a request goes, whatever it says there. */
function placeOf({ request }: HttpFlow): string {
	return `${request.method} ${request.scheme} ${request.prettyHost} ${splitPath(request.path).path}`;
}

/** Flows by a key, first in, first out. */
class Queues {
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

	rest(): HttpFlow[] {
		return [...this.#queues.values()].flatMap(({ flows, taken }) => flows.slice(taken));
	}
}
