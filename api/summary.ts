// Adds up what a tape holds, one flow after the other, in memory that does not grow with the tape.
import type { Flow, HttpFlow } from "../src/flow/flow.ts";

/** What `stats --json` prints. Sizes in bytes, times in seconds since 1970, durations in seconds. */
export interface Report {
	flows: number;
	kinds: Record<string, number>;
	/** Of bodies, as they went over the wire. */
	bytes: { request: number; response: number };
	/** Of the first and the last flow; null without flows. */
	from: number | null;
	to: number | null;
	methods: Record<string, number>;
	/** Most frequent first; so are hosts and content types. */
	statuses: Record<string, number>;
	hosts: Count[];
	contentTypes: Count[];
	slowest: Slow[];
	errors: Count[];
	replays: number;
}

export interface Count {
	name: string;
	flows: number;
	bytes: number;
}

export interface Slow {
	id: string;
	method: string;
	url: string;
	status: number;
	seconds: number;
}

/** Different names of one sort that are told apart; a tape may be made to have millions. */
const NAMES = 100_000;

export class Summary {
	readonly #top: number;
	readonly #hosts = new Counts();
	readonly #types = new Counts();
	readonly #errors = new Counts();
	readonly #kinds = new Counts();
	readonly #methods = new Counts();
	readonly #statuses = new Counts();
	#slowest: Slow[] = [];
	#flows = 0;
	#replays = 0;
	#from = Number.POSITIVE_INFINITY;
	#to = Number.NEGATIVE_INFINITY;
	#requestBytes = 0;
	#responseBytes = 0;

	constructor(top: number) {
		this.#top = top;
	}

	readonly add = (flow: Flow): void => {
		this.#flows++;
		this.#kinds.add(flow.type);
		if (flow.isReplay !== null) this.#replays++;
		if (flow.error !== null) this.#errors.add(flow.error.message);
		if (flow.type === "http") this.#addHttp(flow);
		else this.#spans(flow.timestampCreated, flow.timestampCreated);
	};

	#addHttp(flow: HttpFlow): void {
		const { request, response } = flow;
		const sent = request.bodySize ?? 0;
		const received = response?.bodySize ?? 0;
		this.#requestBytes += sent;
		this.#responseBytes += received;
		this.#methods.add(request.method);
		this.#hosts.add(request.prettyHost, sent + received);
		this.#spans(request.timestampStart, response?.timestampEnd ?? request.timestampEnd ?? request.timestampStart);
		if (response === null) return;
		this.#statuses.add(String(response.statusCode));
		this.#types.add(response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() || "(none)", received);
		if (response.timestampEnd !== null) this.#time(flow, response.statusCode, response.timestampEnd - request.timestampStart);
	}

	#spans(from: number, to: number): void {
		if (from <= 0) return;
		this.#from = Math.min(this.#from, from);
		this.#to = Math.max(this.#to, to);
	}

	#time(flow: HttpFlow, status: number, seconds: number): void {
		const least = this.#slowest.at(-1)?.seconds ?? Number.NEGATIVE_INFINITY;
		if (this.#slowest.length >= this.#top && seconds <= least) return;
		const { id, request } = flow;
		this.#slowest.push({ id, method: request.method, url: request.prettyUrl, status, seconds });
		this.#slowest = this.#slowest.sort((a, b) => b.seconds - a.seconds).slice(0, this.#top);
	}

	report(): Report {
		const isSpan = this.#from <= this.#to;
		return {
			flows: this.#flows,
			kinds: this.#kinds.record(),
			bytes: { request: this.#requestBytes, response: this.#responseBytes },
			from: isSpan ? this.#from : null,
			to: isSpan ? this.#to : null,
			methods: this.#methods.record(),
			statuses: this.#statuses.record(),
			hosts: this.#hosts.list(this.#top),
			contentTypes: this.#types.list(this.#top),
			slowest: this.#slowest,
			errors: this.#errors.list(this.#top),
			replays: this.#replays,
		};
	}
}

class Counts {
	readonly #counts = new Map<string, Count>();

	add(name: string, bytes = 0): void {
		const key = this.#counts.size < NAMES || this.#counts.has(name) ? name : "(others)";
		const count = this.#counts.get(key);
		if (count === undefined) this.#counts.set(key, { name: key, flows: 1, bytes });
		else {
			count.flows++;
			count.bytes += bytes;
		}
	}

	/** Most flows first. */
	list(most = Number.POSITIVE_INFINITY): Count[] {
		return [...this.#counts.values()].sort((a, b) => b.flows - a.flows || b.bytes - a.bytes).slice(0, most);
	}

	record(): Record<string, number> {
		return Object.fromEntries(this.list().map(({ name, flows }) => [name, flows]));
	}
}
