// What all connections of one proxy share: hooks, the way to the tape, the way to the servers, and who wants to know what happens.
import type { Flow, HttpFlow, WebSocketMessage } from "../../flow/flow.ts";
import type { BodySpool, FlowSink } from "../../flow/pipe.ts";
import { inTurn, oneByOne } from "../../flow/turns.ts";
import type { Phase } from "../../hooks/hook.ts";
import type { Pipeline } from "../../hooks/pipeline.ts";
import { sizeOf, weightOf } from "../body/flow-weight.ts";
import type { Spool } from "../body/pipe.ts";
import type { BodyPolicy } from "../body/policy.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { ResponseCache } from "./response-cache.ts";

/** What happens in a proxy, for logs. */
export type ProxyEvent =
	| { readonly kind: "listening"; readonly host: string; readonly port: number; readonly mode: string }
	/** A client has been given a tunnel to a host; what it does with it may never be a flow. */
	| { readonly kind: "tunnel"; readonly host: string; readonly port: number }
	/** A flow went to the sink. */
	| { readonly kind: "flow"; readonly flow: Flow }
	/** A client sent what cannot be understood, or did not want our certificate: then `untrusted` is the host that it was for. */
	| { readonly kind: "client_error"; readonly message: string; readonly client: string; readonly untrusted?: string }
	/** A server is about to be connected to. */
	| { readonly kind: "egress"; readonly destination: string }
	/** A server could not be reached or broke off. */
	| { readonly kind: "upstream_error"; readonly message: string; readonly destination: string }
	/** A field, of the head or the trailers, that HTTP/2 has no form for was not sent. */
	| { readonly kind: "left_out"; readonly field: string; readonly of: "request" | "response"; readonly url: string }
	| { readonly kind: "hook_error"; readonly phase: Phase; readonly error: unknown }
	/** The sink refused a flow: it is lost, the traffic goes on. */
	| { readonly kind: "sink_error"; readonly error: unknown };

export interface ContextParts {
	pipeline: Pipeline;
	sink: FlowSink;
	/** null: nothing is ever connected to. */
	pool: UpstreamPool | null;
	/** Who wants to know of connections; nobody unless given. */
	events?: ConnectionEvents | null;
	onEvent: (event: ProxyEvent) => void;
	bodies: BodyPolicy;
	/** Let pass what breaks the grammar of HTTP and still has one meaning. */
	lenient: boolean;
	/** Clients on whose connection nothing moves for so long are hung up on; 0: never. */
	timeoutMs: number;
	/** Whether WebSockets are read; true unless given. */
	websocket?: boolean;
	/** Whether the bytes of other protocols are recorded; false unless given. */
	recordTcp?: boolean;
	/** Whether the sink or `onEvent` does anything with flows; true unless given. */
	wantsFlows?: boolean;
}

/** A flow that is on its way to the tape while its messages still come. */
export interface OpenRecord {
	/** Whether the tape takes messages one by one; else the flow has to keep them. */
	readonly isOpen: boolean;
	add(message: WebSocketMessage): void;
	/** The flow is complete. */
	close(): void;
}

/** Flows with larger bodies go to the sink one by one. Bytes. */
const LARGE_FLOW = 1024 * 1024;

export class ProxyContext {
	readonly pipeline: Pipeline;
	readonly pool: UpstreamPool | null;
	readonly events: ConnectionEvents | null;
	readonly bodies: BodyPolicy;
	readonly lenient: boolean;
	readonly timeoutMs: number;
	readonly websocket: boolean;
	readonly recordTcp: boolean;
	/** Whether somebody looks at flows. */
	wantsFlows: boolean;
	/** What requests of clients that came here directly are answered without an exchange. */
	standing = new ResponseCache();
	readonly emit: (event: ProxyEvent) => void;
	readonly #sink: FlowSink;
	/** Those of hosts that have hooks of their own. */
	readonly #byHost: ReadonlyMap<string, ProxyContext>;
	/** Hooks that run, and flows on their way into the sink. */
	readonly #pending = new Set<Promise<void>>();

	constructor(parts: ContextParts) {
		this.pipeline = parts.pipeline;
		this.pool = parts.pool;
		this.events = parts.events ?? null;
		this.bodies = parts.bodies;
		this.lenient = parts.lenient;
		this.timeoutMs = parts.timeoutMs;
		this.websocket = parts.websocket ?? true;
		this.recordTcp = parts.recordTcp ?? false;
		this.wantsFlows = parts.wantsFlows ?? true;
		this.emit = parts.onEvent;
		this.#sink = parts.sink;
		this.#byHost = new Map([...parts.pipeline.byHost()].map(([host, pipeline]) => [host, new ProxyContext({ ...parts, pipeline })]));
	}

	/** From now on each request is a flow that somebody looks at. */
	watchFlows(): void {
		this.wantsFlows = true;
		this.standing = new ResponseCache();
		for (const context of this.#byHost.values()) context.watchFlows();
	}

	/** What a request to this host works with. */
	for(host: string): ProxyContext {
		return this.#byHost.size === 0 ? this : (this.#byHost.get(host) ?? this);
	}

	/** Brings a finished flow to the sink. A promise, which never rejects: bring no more before it resolves. */
	record(flow: Flow): Promise<void> | undefined {
		const append = () =>
			inTurn(
				() => weightOf(flow),
				() => this.#append(flow),
			);
		// a sink may have a large flow in memory until it is written
		const wait = sizeOf(flow) > LARGE_FLOW ? oneByOne(append) : append();
		if (wait === undefined) return;
		this.track(wait);
		return wait;
	}

	/** A promise never rejects. */
	#append(flow: Flow): Promise<void> | undefined {
		let wait: void | Promise<void>;
		try {
			wait = this.#sink.append(flow);
		} catch (error) {
			this.emit({ kind: "sink_error", error });
			return;
		}
		this.emit({ kind: "flow", flow });
		return wait?.catch((error: unknown) => this.emit({ kind: "sink_error", error }));
	}

	/** A place for a body that is too large for memory; null where there is none. What it has no room for is lost, and the traffic goes on. */
	readonly openSpool = (ofRequest = false): Spool | null => {
		const lose = (error: unknown) => this.emit({ kind: "sink_error", error });
		try {
			const spool = this.#sink.spool(ofRequest);
			return spool === null ? null : forgiving(spool, lose);
		} catch (error) {
			lose(error);
			return null;
		}
	};

	/** Begins to bring a flow to the sink whose messages are still to come. Where that is not possible it goes there when it is complete. */
	open(flow: HttpFlow): OpenRecord {
		let isLost = false;
		const attempt = <T>(action: () => T): T | undefined => {
			if (isLost) return;
			try {
				return action();
			} catch (error) {
				isLost = true;
				this.emit({ kind: "sink_error", error });
			}
		};
		const entry = attempt(() => this.#sink.open(flow));
		if (entry == null) return { isOpen: isLost, add: () => {}, close: () => void attempt(() => this.record(flow)) };
		return {
			isOpen: true,
			add: (message) => attempt(() => entry.add(message)),
			close: () => {
				attempt(() => entry.close());
				if (!isLost) this.emit({ kind: "flow", flow });
			},
		};
	}

	/** Something that has to end before the proxy does. */
	track(work: Promise<void>): void {
		const tracked = work.finally(() => this.#pending.delete(tracked));
		this.#pending.add(tracked);
	}

	/** Resolves when hooks and sink have done all that was under way. */
	async settled(): Promise<void> {
		while (this.#pending.size > 0) await Promise.all(this.#pending);
		for (const context of this.#byHost.values()) await context.settled();
	}
}

/** A body of which a part is lost is lost as a whole: the rest would look complete. */
function forgiving(spool: BodySpool, lose: (error: unknown) => void): Spool {
	let isLost = false;
	const attempt = <T>(action: () => T): T | null => {
		if (isLost) return null;
		try {
			return action();
		} catch (error) {
			isLost = true;
			lose(error);
			return null;
		}
	};
	return { write: (chunk) => void attempt(() => spool.write(chunk)), end: () => attempt(() => spool.end()) };
}
