// The proxy: its ports, the ways to servers that they share, and its end, which loses nothing that was under way.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../ca/authority.ts";
import { toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { formatUrl } from "../flow/url.ts";
import type { HostNames, PassthroughHosts, ProxyAuthenticator } from "../hooks/authenticator.ts";
import type { Pipeline } from "../hooks/pipeline.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { BodyPolicy, options as bodyOptions } from "./body/policy.ts";
import { ConnectionEvents } from "./connection/events.ts";
import { ProxyContext, type ProxyEvent } from "./context/context.ts";
import { ConnectionAcceptor, options as entryOptions, type TrackedConnection } from "./entry/acceptor.ts";
import { Listener } from "./entry/listener.ts";
import type { Route } from "./route/destination.ts";
import { options as modeOptions, type ProxyMode, parseModes } from "./route/modes.ts";
import { options as clientTlsOptions } from "./tls/client-options.ts";
import { UpstreamPool, options as upstreamOptions } from "./upstream/pool.ts";
import { routeOf } from "./upstream/proxy.ts";
import { options as websocketOptions } from "./websocket/conversation.ts";

export type { ProxyEvent } from "./context/context.ts";

/** Every option of the proxy. */
export const proxyOptions = {
	...modeOptions,
	...bodyOptions,
	...entryOptions,
	...clientTlsOptions,
	...upstreamOptions,
	...websocketOptions,
} as const satisfies OptionTable;

export interface ProxySetup {
	options: OptionValues<typeof proxyOptions>;
	/** Makes the certificates that clients are shown. */
	authority: LeafIssuer;
	pipeline: Pipeline;
	/** Gets every flow once, when it is complete or has failed. It is not closed. */
	sink: FlowSink;
	/** null: no name is ever resolved and no connection opened; what the hooks do not answer gets 502. */
	upstream: "network" | null;
	/** Proxies on the way to servers, but for modes that name their own; null: none. */
	route?: Route | null;
	/** What the proxies that modes name get as Proxy-Authorization; null: nothing. */
	upstreamCredentials?: string | null;
	/** Asks clients who they are before they get a tunnel; the pipeline asks those who send requests. null: nobody is asked. */
	authenticator?: ProxyAuthenticator | null;
	/** Hosts that are not to be looked into; null: there are none. */
	hosts?: PassthroughHosts | null;
	/** Whether clients of a host are to be offered HTTP/1.1 before HTTP/2 where its server is not asked; nobody unless given. */
	prefersHttp1?: ((names: HostNames) => boolean) | null;
	/** Whether the sink or `onEvent` does anything with flows; default: yes. */
	wantsFlows?: boolean;
	/** Told what happens, for logs. */
	onEvent?: (event: ProxyEvent) => void;
}

export interface Listening {
	readonly host: string;
	readonly port: number;
	readonly mode: ProxyMode;
}

export interface RunningProxy {
	/** Where it listens, in its first mode. */
	readonly host: string;
	readonly port: number;
	/** Where it listens, a mode each. */
	readonly listeners: readonly Listening[];
	/** From now on `onEvent` does something with flows. */
	watchFlows(): void;
	/**
	 * Accepts nothing more, gives exchanges under way `graceMs` milliseconds to end (500 unless given), and brings those still open to
	 * the sink as they are.
	 */
	close(options?: { graceMs?: number }): Promise<void>;
}

/**
 * Starts a proxy; resolves when it accepts connections.
 * @throws FlowtapeError FT_PORT, FT_BAD_OPTION
 */
export async function startProxy(setup: ProxySetup): Promise<RunningProxy> {
	const proxy = new LiveProxy(setup);
	await proxy.listen();
	return proxy;
}

class LiveProxy implements RunningProxy {
	readonly listeners: readonly Listener[];
	readonly #setup: ProxySetup;
	readonly #bodies: BodyPolicy;
	readonly #events: ConnectionEvents | null;
	/** The ways to servers: one for each upstream proxy that a mode names, one for all other modes. */
	readonly #pools: UpstreamPool[] = [];
	readonly #contexts = new Map<string, ProxyContext>();
	readonly #open = new Set<TrackedConnection>();
	#onEmpty: (() => void) | null = null;
	#closing: Promise<void> | null = null;

	constructor(setup: ProxySetup) {
		const { options: values, authority, authenticator = null, hosts = null, prefersHttp1 = null } = setup;
		this.#setup = setup;
		this.#bodies = new BodyPolicy(values);
		this.#events = ConnectionEvents.of(setup.pipeline);
		this.listeners = parseModes(values).map((mode) => {
			const onOpen = (one: TrackedConnection) => this.#open.add(one);
			const entry = new ConnectionAcceptor({
				mode,
				context: this.#contextOf(mode),
				values,
				authority,
				authenticator,
				hosts,
				prefersHttp1,
				onOpen,
				onClose: this.#forget,
			});
			return new Listener(mode, (socket) => entry.accept(socket));
		});
	}

	get host(): string {
		return this.listeners[0]?.host ?? "";
	}

	get port(): number {
		return this.listeners[0]?.port ?? 0;
	}

	async listen(): Promise<void> {
		try {
			for (const listener of this.listeners) await listener.listen();
		} catch (error) {
			await this.close({ graceMs: 0 });
			throw error;
		}
		for (const { host, port, mode } of this.listeners) this.#setup.onEvent?.({ kind: "listening", host, port, mode: mode.text });
	}

	watchFlows(): void {
		for (const context of this.#contexts.values()) context.watchFlows();
	}

	close({ graceMs = 500 } = {}): Promise<void> {
		this.#closing ??= this.#close(graceMs);
		return this.#closing;
	}

	async #close(graceMs: number): Promise<void> {
		const closed = this.listeners.map((listener) => listener.close());
		for (const one of this.#open) one.drain();
		await this.#emptyWithin(graceMs);
		for (const one of this.#open) one.stop();
		for (const pool of this.#pools) pool.close();
		for (const context of this.#contexts.values()) await context.settled();
		await Promise.all(closed);
		await this.#events?.settled();
	}

	#emptyWithin(ms: number): Promise<void> {
		if (this.#open.size === 0) return Promise.resolve();
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.#onEmpty = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	readonly #forget = (one: TrackedConnection): void => {
		this.#open.delete(one);
		if (this.#open.size === 0) this.#onEmpty?.();
	};

	/** What a mode's connections share with those of other modes that go the same way. */
	#contextOf(mode: ProxyMode): ProxyContext {
		const key = mode.kind === "upstream" ? formatUrl(mode.server.scheme, mode.server.host, mode.server.port, "") : "";
		const known = this.#contexts.get(key);
		if (known !== undefined) return known;
		const { options: values, pipeline, sink, wantsFlows = true, onEvent = () => {} } = this.#setup;
		const context = new ProxyContext({
			...{ pipeline, sink, onEvent, pool: this.#createPool(mode), events: this.#events, bodies: this.#bodies },
			lenient: !values.validate_inbound_headers,
			timeoutMs: values.tcp_timeout * 1000,
			websocket: values.websocket,
			recordTcp: values.record_tcp,
			wantsFlows,
		});
		this.#contexts.set(key, context);
		return context;
	}

	#createPool(mode: ProxyMode): UpstreamPool | null {
		const { options: values, upstream, onEvent, route = null, upstreamCredentials = null } = this.#setup;
		if (upstream === null) return null;
		const isOwn = (socket: Socket) => this.listeners.some((listener) => listener.isReachedBy(socket));
		const onDial = (destination: string) => onEvent?.({ kind: "egress", destination });
		const onLeftOut = (field: string, { prettyUrl: url }: Request) => onEvent?.({ kind: "left_out", field: toText(field), of: "request", url });
		const via = routeOf(mode, upstreamCredentials, this.#withoutOwn(route));
		const pool = new UpstreamPool(values, { route: via, isOwn, onDial, onLeftOut, events: this.#events });
		this.#pools.push(pool);
		return pool;
	}

	/** An environment that is made for our clients names us as the proxy: for us it means no proxy. */
	#withoutOwn(route: Route | null): Route {
		if (route === null) return () => null;
		return (to) => {
			const via = route(to);
			return via === null || this.listeners.some((listener) => listener.isNamedBy(via.host, via.port)) ? null : via;
		};
	}
}
