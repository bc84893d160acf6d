// Summarizes the flows of a tape in bounded memory.
import { parseMediaType } from "../src/flow/content-type.ts";
import { incompleteParts } from "../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";

/**
 * The summary of a tape, as `stats --json` prints it. Sizes in bytes, times in seconds since 1970, durations in
 * seconds.
 */
export interface Report {
	/** Number of flows. */
	flows: number;
	/** Number of flows by kind: `http`, `tcp`, `udp`, `dns`. */
	kinds: Record<string, number>;
	/** Size of all bodies on the wire. */
	bytes: { request: number; response: number };
	/** Time of the first flow; null if there are no flows. */
	from: number | null;
	/** Time of the last flow; null if there are no flows. */
	to: number | null;
	/** Number of flows by request method. This and the following are sorted, most frequent first. */
	methods: Record<string, number>;
	/** Number of flows by status. */
	statuses: Record<string, number>;
	/** The most frequent hosts. */
	hosts: Count[];
	/** The sessions with the most flows. Flows without a session are not counted. */
	sessions: Count[];
	/** The most frequent media types of responses; `(none)`: without Content-Type. */
	contentTypes: Count[];
	/** The flows with the longest durations, slowest first. */
	slowest: Slow[];
	/** The most frequent error messages. */
	errors: Count[];
	/** Number of HTTP flows with an incomplete request or response. */
	incomplete: number;
	/** Number of flows that are replays. */
	replays: number;
}

/** The number of flows with a name, such as a host, and the size of their bodies in bytes. */
export interface Count {
	name: string;
	flows: number;
	bytes: number;
}

/** A flow and its duration, from the start of the request to the end of the response. */
export interface Slow {
	id: string;
	method: string;
	url: string;
	status: number;
	seconds: number;
}

/** Maximum number of distinct names that are counted; the rest are counted as `(others)`. */
const NAMES = 100_000;

export class Summary {
	readonly #top: number;
	readonly #hosts = new Counts();
	readonly #sessions = new Counts();
	readonly #types = new Counts();
	readonly #errors = new Counts();
	readonly #kinds = new Counts();
	readonly #methods = new Counts();
	readonly #statuses = new Counts();
	#slowest: Slow[] = [];
	#flows = 0;
	#replays = 0;
	#incomplete = 0;
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
		if (flow.session !== null && flow.type !== "http") this.#sessions.add(flow.session);
		if (Object.keys(incompleteParts(flow)).length > 0) this.#incomplete++;
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
		if (flow.session !== null) this.#sessions.add(flow.session, sent + received);
		this.#spans(request.timestampStart, response?.timestampEnd ?? request.timestampEnd ?? request.timestampStart);
		if (response === null) return;
		this.#statuses.add(String(response.statusCode));
		this.#types.add(parseMediaType(response.headers.get("content-type")).essence || "(none)", received);
		if (response.timestampEnd !== null)
			this.#time(flow, response.statusCode, Math.max(0, response.timestampEnd - request.timestampStart));
	}

	#spans(from: number, to: number): void {
		if (from <= 0) return;
		this.#from = Math.min(this.#from, from);
		// the clock may have been set back meanwhile
		this.#to = Math.max(this.#to, from, to);
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
			sessions: this.#sessions.list(this.#top),
			contentTypes: this.#types.list(this.#top),
			slowest: this.#slowest,
			errors: this.#errors.list(this.#top),
			incomplete: this.#incomplete,
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
