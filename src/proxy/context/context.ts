// The context that connections of a proxy share: the hooks, the sink, the upstream pool and the listener for events.
import { parseBasic } from "../../flow/basic-credentials.ts";
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { Conversation, Flow, StreamMessage, WebSocketMessage } from "../../flow/flow.ts";
import { staysHere } from "../../flow/loopback.ts";
import type { Request } from "../../flow/message.ts";
import { type BodySpool, type FlowSink, NullSink } from "../../flow/pipe.ts";
import { RecentMessages } from "../../flow/recent-messages.ts";
import { runExclusive, schedule } from "../../flow/scheduler.ts";
import { sessionNameOf } from "../../flow/session.ts";
import { formatAuthority } from "../../flow/url.ts";
import { collectLargeBuffers } from "../../flow/young-buffers.ts";
import type { Phase } from "../../hooks/hook.ts";
import type { Pipeline } from "../../hooks/pipeline.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import { workloadOf } from "../body/flow-weight.ts";
import type { Spool } from "../body/pipe.ts";
import type { BodyPolicy } from "../body/policy.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import { type OwnServers, ownAddress } from "../route/own-servers.ts";
import { ClientTrust } from "../tls/client-trust.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import { EarlierMessages, messagesOf } from "./earlier-messages.ts";
import { type CachedExchange, ResponseCache } from "./response-cache.ts";

/** An event of the proxy, for logs. */
export type ProxyEvent =
	| { readonly kind: "listening"; readonly host: string; readonly port: number; readonly mode: string }
	/** A client got a tunnel to a host. The tunnel may never carry a flow. */
	| { readonly kind: "tunnel"; readonly host: string; readonly port: number }
	/** A flow was recorded. */
	| { readonly kind: "flow"; readonly flow: Flow }
	/** A request was answered from the response cache, without a flow. Only if `reportsCached`. */
	| { readonly kind: "cached"; readonly exchange: CachedExchange }
	/** A client sent something malformed, or rejected our certificate for the host `untrusted`. */
	| { readonly kind: "client_error"; readonly message: string; readonly client: string; readonly untrusted?: string }
	/** The proxy is about to connect to a server. */
	| { readonly kind: "egress"; readonly destination: string }
	/** A request or tunnel of a client is forwarded unchanged to one of the client's own servers. */
	| { readonly kind: "own"; readonly destination: string }
	/** A hook claims a client's request, and answers it. */
	| { readonly kind: "noise"; readonly url: string }
	/** A server could not be reached, or its response failed. */
	| { readonly kind: "upstream_error"; readonly message: string; readonly destination: string }
	/** A header or trailer field that HTTP/2 cannot represent was not sent. */
	| { readonly kind: "left_out"; readonly field: string; readonly of: "request" | "response"; readonly url: string }
	| { readonly kind: "hook_error"; readonly phase: Phase; readonly error: unknown }
	/** The sink failed: the flow is lost, the traffic continues. */
	| { readonly kind: "sink_error"; readonly error: unknown };

export interface ContextParts {
	pipeline: Pipeline;
	sink: FlowSink;
	/** The connections to servers; null: the proxy connects to no server. */
	pool: UpstreamPool | null;
	/** Runs the hooks for connections; default: none. */
	events?: ConnectionEvents | null;
	/** The route to servers that clients run themselves; null or absent: such servers are treated like others. */
	own?: OwnRoute | null;
	/** The hook that answers requests which it claims; null or absent: there is none. */
	claiming?: ClaimingRoute | null;
	onEvent: (event: ProxyEvent) => void;
	bodies: BodyPolicy;
	/** Whether to accept messages that violate the grammar of HTTP but have only one meaning. */
	lenient: boolean;
	/** Idle timeout of client connections in milliseconds; 0: none. */
	timeoutMs: number;
	/** Whether WebSocket messages are parsed; default: true. */
	websocket?: boolean;
	/** Whether the bytes of other protocols are recorded; default: false. */
	recordTcp?: boolean;
	/** Whether the sink or `onEvent` uses flows; default: true. */
	wantsFlows?: boolean;
	/** Whether there is an event for each response from the cache; default: false. */
	reportsCached?: boolean;
	/** Default: clients that name no session have none. */
	session?: SessionRule;
}

/** The sessions of clients. */
export interface SessionRule {
	/** The session of clients that name none; null: they have none. */
	readonly name: string | null;
	/** Whether all clients belong to this session, even if they name another one. */
	readonly isFixed: boolean;
}

const NO_SESSION: SessionRule = { name: null, isFixed: false };

/** A server of the client's own. */
export interface OwnServer {
	readonly context: ProxyContext;
	/** A loopback address. */
	readonly address: string;
}

/** The route to servers that clients run themselves. */
export interface OwnRoute {
	servers: OwnServers;
	/** Connects to them directly. */
	pool: UpstreamPool;
	/** Only authenticates the client. */
	pipeline: Pipeline;
	/** Streams every body. */
	bodies: BodyPolicy;
}

/** The context for requests that a hook claims. */
export interface ClaimingRoute {
	claims(request: Request): boolean;
	/** Authenticates the client, and runs the hook. */
	pipeline: Pipeline;
}

/** A flow that is being recorded while its messages still arrive. */
export interface OpenRecord {
	/** Adds a message to the flow when it has arrived. Hooks may still change the message. */
	take(message: WebSocketMessage | StreamMessage): void;
	/** Stores a message that `take` has added, once it is final. The flow keeps only recent messages. */
	store(message: WebSocketMessage | StreamMessage): void;
	/** Completes the flow. */
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
	/** Whether the sink or `emit` uses flows. */
	wantsFlows: boolean;
	readonly clientTrust = new ClientTrust();
	/** Responses that need no exchange, to requests outside tunnels. */
	responseCache: ResponseCache;
	readonly emit: (event: ProxyEvent) => void;
	readonly #session: SessionRule;
	readonly #sink: FlowSink;
	/** The contexts of hosts that have their own hooks. */
	readonly #byHost: ReadonlyMap<string, ProxyContext>;
	readonly #own: { readonly servers: OwnServers; readonly context: ProxyContext } | null;
	readonly #claiming: { readonly claims: ClaimingRoute["claims"]; readonly context: ProxyContext } | null;
	/** Running hooks and pending writes to the sink. */
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
		this.responseCache = new ResponseCache(
			parts.reportsCached ? (exchange) => parts.onEvent({ kind: "cached", exchange }) : null,
		);
		this.#session = parts.session ?? NO_SESSION;
		this.#sink = parts.sink;
		this.#own =
			parts.own == null
				? null
				: { servers: parts.own.servers, context: new ProxyContext(unrecordedParts(parts, parts.own)) };
		this.#claiming =
			parts.claiming == null
				? null
				: {
						claims: parts.claiming.claims,
						context: new ProxyContext(unrecordedParts(parts, parts.claiming)),
					};
		this.#byHost = new Map(
			[...parts.pipeline.byHost()].map(([host, pipeline]) => [
				host,
				new ProxyContext({ ...parts, own: null, claiming: null, pipeline }),
			]),
		);
	}

	/** Call when `emit` begins to use flows: from then on, every request needs an exchange. */
	watchFlows(): void {
		this.wantsFlows = true;
		this.responseCache = new ResponseCache();
		for (const context of this.#byHost.values()) context.watchFlows();
	}

	/**
	 * The name of the session of a client's flow. A client names it by the user of its proxy credentials.
	 * @param credentials the Proxy-Authorization of the request; null: none
	 */
	sessionOf({ proxyUser }: ClientConnection, credentials: ByteString | null = null): string | null {
		const { name, isFixed } = this.#session;
		if (isFixed) return name;
		const user = (credentials === null ? null : parseBasic(credentials)?.[0]) ?? proxyUser;
		return user === undefined ? name : (sessionNameOf(user) ?? name);
	}

	/** The context for a request of this client. */
	for(request: Request, { proxyMode }: ClientConnection): ProxyContext {
		// A reverse proxy sends every request to its server.
		if (this.#claiming?.claims(request) && !proxyMode.startsWith("reverse")) {
			this.emit({ kind: "noise", url: request.prettyUrl });
			return this.#claiming.context;
		}
		return this.#byHost.size === 0 ? this : (this.#byHost.get(request.host) ?? this);
	}

	/**
	 * The context and the address for a request or a tunnel to one of the client's own servers; null: the host and port
	 * do not belong to one.
	 */
	forOwn(client: ClientConnection, host: string, port: number, claim: string | null = null): OwnServer | null {
		if (this.#own === null) return null;
		const address = ownAddress(this.#own.servers, client.peername?.[0], host, port, claim);
		if (address === null) return null;
		this.emit({ kind: "own", destination: formatAuthority(host, port) });
		return { context: this.#own.context, address };
	}

	reportClientError({ peername }: ClientConnection, message: string, untrusted?: string): void {
		const client = peername === null ? "a client that has disconnected" : formatAuthority(peername[0], peername[1]);
		this.emit({ kind: "client_error", message, client, ...(untrusted !== undefined && { untrusted }) });
	}

	/** Whether one of the client's own servers may listen at this host, now or later. */
	mayBeOwn(host: string): boolean {
		return this.#own !== null && staysHere(host);
	}

	/**
	 * Writes a finished flow to the sink. If it returns a promise, record no further flow before that resolves. The
	 * promise never rejects.
	 */
	record(flow: Flow): Promise<void> | undefined {
		const weight = workloadOf(flow);
		const wait = weight === 0 ? this.#append(flow) : this.#appendHeavy(flow, weight);
		if (wait === undefined) return;
		this.track(wait);
		return wait;
	}

	#appendHeavy(flow: Flow, weight: number): MaybeAsync {
		const append = () =>
			schedule(
				() => weight,
				() => this.#append(flow),
			);
		// A sink may hold a large flow in memory until it is written.
		return weight > LARGE_FLOW ? runExclusive(append) : append();
	}

	/** A returned promise never rejects. */
	#append(flow: Flow): Promise<void> | undefined {
		let wait: MaybeAsync;
		try {
			wait = this.#sink.append(flow);
		} catch (error) {
			this.emit({ kind: "sink_error", error });
			return;
		}
		this.emit({ kind: "flow", flow });
		return wait?.catch((error: unknown) => this.emit({ kind: "sink_error", error }));
	}

	/**
	 * Opens a spool for a body that is too large for memory; null: there is none. If a write fails, the body is lost but
	 * the traffic continues.
	 */
	readonly openSpool = (ofRequest = false): Spool | null => {
		const lose = (error: unknown) => this.emit({ kind: "sink_error", error });
		try {
			const spool = this.#sink.spool(ofRequest);
			return spool === null ? null : lossySpool(spool, lose);
		} catch (error) {
			lose(error);
			return null;
		}
	};

	/**
	 * Starts recording a flow whose messages have not arrived yet. If the sink accepts only complete flows, the flow is
	 * written when it is complete.
	 */
	open(flow: Conversation): OpenRecord {
		let isLost = false;
		const attempt = untilFailure((error) => {
			isLost = true;
			this.emit({ kind: "sink_error", error });
		});
		const entry = attempt(() => this.#sink.open(flow));
		const earlier = entry === null ? new EarlierMessages() : null;
		const recent = new RecentMessages(messagesOf(flow), (message) => attempt(() => earlier?.add(message)));
		return {
			take: (message) => recent.add(message),
			store: (message) => {
				attempt(() => entry?.addMessage(message));
				recent.stored(message);
			},
			close: () => {
				recent.close();
				if (isLost) earlier?.clear();
				else if (earlier !== null) this.#recordWhole(flow, earlier);
				else attempt(() => entry?.close());
				if (entry !== null && !isLost) this.emit({ kind: "flow", flow });
			},
		};
	}

	/** Writes a complete conversation: puts the earlier messages back into the flow, before the recent ones. */
	#recordWhole(flow: Conversation, earlier: EarlierMessages): void {
		if (earlier.size === 0) {
			void this.record(flow);
			return;
		}
		const append = () => {
			const messages = messagesOf(flow);
			const recent = messages.splice(0);
			try {
				for (const list of [earlier.take(), recent]) for (const message of list) messages.push(message);
			} catch (error) {
				return this.emit({ kind: "sink_error", error });
			}
			return this.#append(flow);
		};
		this.track(runExclusive(() => schedule(() => earlier.size, append)).then(collectLargeBuffers));
	}

	/** Registers work that must end before the proxy has stopped. */
	track(work: Promise<void>): void {
		const tracked = work.finally(() => this.#pending.delete(tracked));
		this.#pending.add(tracked);
	}

	/** Resolves when all registered work has ended. */
	async settled(): Promise<void> {
		while (this.#pending.size > 0) await Promise.all(this.#pending);
		for (const context of this.#byHost.values()) await context.settled();
		await this.#own?.context.settled();
		await this.#claiming?.context.settled();
	}
}

/**
 * The parts of a context for requests that are not recorded: it runs only the hooks of this route, and has no tape and
 * no log of flows. Without a pool, it connects to no server.
 */
function unrecordedParts(
	parts: ContextParts,
	{ pool = null, pipeline, bodies = parts.bodies }: Pick<ContextParts, "pipeline"> & Partial<ContextParts>,
): ContextParts {
	return {
		...parts,
		pool,
		pipeline,
		bodies,
		own: null,
		claiming: null,
		events: null,
		sink: new NullSink(),
		recordTcp: false,
		wantsFlows: false,
		onEvent: (event) => {
			if (event.kind !== "flow") parts.onEvent(event);
		},
	};
}

/** A spool that drops the whole body if a part of it cannot be written, because the rest would look complete. */
function lossySpool(spool: BodySpool, lose: (error: unknown) => void): Spool {
	const attempt = untilFailure(lose);
	return { write: (chunk) => void attempt(() => spool.write(chunk)), end: () => attempt(() => spool.end()) };
}

/**
 * Returns a function that calls actions until one of them throws, and then none any more. The result is that of the
 * action, or null.
 */
function untilFailure(onFailure: (error: unknown) => void): <T>(action: () => T) => T | null {
	let hasFailed = false;
	return (action) => {
		if (hasFailed) return null;
		try {
			return action();
		} catch (error) {
			hasFailed = true;
			onFailure(error);
			return null;
		}
	};
}
