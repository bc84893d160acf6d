// Starts and stops the proxy: its listeners, the upstream pools that they share, and a shutdown that records the
// exchanges in progress.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../ca/authority.ts";
import { toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { formatUrl } from "../flow/url.ts";
import type { HostNames, PassthroughHosts, ProxyAuthenticator } from "../hooks/authenticator.ts";
import type { Hook } from "../hooks/hook.ts";
import { Pipeline } from "../hooks/pipeline.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { BodyPolicy, options as bodyOptions } from "./body/policy.ts";
import { ConnectionEvents } from "./connection/events.ts";
import { type ClaimingRoute, type OwnRoute, ProxyContext, type ProxyEvent } from "./context/context.ts";
import { options as acceptorOptions, ConnectionAcceptor, type TrackedConnection } from "./entry/acceptor.ts";
import { Listener } from "./entry/listener.ts";
import type { Route } from "./route/destination.ts";
import { options as modeOptions, type ProxyMode, parseModes } from "./route/modes.ts";
import type { OwnServers } from "./route/own-servers.ts";
import { options as clientTlsOptions } from "./tls/client-options.ts";
import { UpstreamPool, options as upstreamOptions } from "./upstream/pool.ts";
import { routeOf } from "./upstream/proxy.ts";
import { options as websocketOptions } from "./websocket/conversation.ts";

export type { ProxyEvent } from "./context/context.ts";

/** Every option of the proxy. */
export const proxyOptions = {
	...modeOptions,
	...bodyOptions,
	...acceptorOptions,
	...clientTlsOptions,
	...upstreamOptions,
	...websocketOptions,
} as const satisfies OptionTable;

export interface ProxySetup {
	options: OptionValues<typeof proxyOptions>;
	/** Provides the certificates to show to clients. */
	authority: LeafIssuer;
	pipeline: Pipeline;
	/** Receives every flow once, when it is complete or has failed. The proxy does not close it. */
	sink: FlowSink;
	/**
	 * Whether the proxy connects to servers. null: it resolves no names and opens no connections, and a request that no
	 * hook answers gets a 502.
	 */
	upstream: "network" | null;
	/** Chooses the upstream proxy for each destination, except in modes that name one; null: connect directly. */
	route?: Route | null;
	/** Proxy-Authorization for the upstream proxies that modes name; null: none. */
	upstreamCredentials?: string | null;
	/** Authenticates clients that ask for a tunnel; the pipeline authenticates requests. null: no authentication. */
	authenticator?: ProxyAuthenticator | null;
	/** Hosts whose traffic is not read as HTTP; null: none. */
	hosts?: PassthroughHosts | null;
	/** Whether to offer a host's clients HTTP/1.1 before HTTP/2 while its server's choice is unknown; default: never. */
	prefersHttp1?: ((names: HostNames) => boolean) | null;
	/**
	 * Servers that clients run themselves: in regular mode, requests to them pass untouched. null: such servers are
	 * treated like others.
	 */
	own?: OwnServers | null;
	/** Whether the sink or `onEvent` uses flows; default: true. */
	wantsFlows?: boolean;
	/** Whether `onEvent` gets an event for each response from the cache, which has no flow; default: false. */
	reportsCached?: boolean;
	/** Called with events for logs. */
	onEvent?: (event: ProxyEvent) => void;
}

export interface Listening {
	readonly host: string;
	readonly port: number;
	readonly mode: ProxyMode;
}

export interface RunningProxy {
	/** Address and port of the first mode's listener. */
	readonly host: string;
	readonly port: number;
	/** One listener for each mode. */
	readonly listeners: readonly Listening[];
	/** Call when `onEvent` begins to use flows. */
	watchFlows(): void;
	/**
	 * Stops accepting connections, gives exchanges in progress `graceMs` milliseconds to end (default: 500), and records
	 * those still open as they are.
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
	/** One pool for each upstream proxy that a mode names, and one for all other modes. */
	readonly #pools: UpstreamPool[] = [];
	readonly #contexts = new Map<string, ProxyContext>();
	readonly #open = new Set<TrackedConnection>();
	#onEmpty: (() => void) | null = null;
	#closing: Promise<void> | null = null;

	constructor(setup: ProxySetup) {
		const { options: values, authority, authenticator = null, hosts = null, prefersHttp1 = null } = setup;
		this.#setup = setup;
		this.#bodies = new BodyPolicy(values);
		this.#events = ConnectionEvents.forPipeline(setup.pipeline);
		this.listeners = parseModes(values).map((mode) => {
			const onOpen = (connection: TrackedConnection) => this.#open.add(connection);
			const acceptor = new ConnectionAcceptor({
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
			return new Listener(mode, (socket) => acceptor.accept(socket));
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
		for (const { host, port, mode } of this.listeners)
			this.#setup.onEvent?.({ kind: "listening", host, port, mode: mode.text });
	}

	watchFlows(): void {
		for (const context of this.#contexts.values()) context.watchFlows();
	}

	close({ graceMs = 500 } = {}): Promise<void> {
		this.#closing ??= this.#close(graceMs);
		return this.#closing;
	}

	async #close(graceMs: number): Promise<void> {
		for (const context of this.#contexts.values()) context.clientTrust.isClosing = true;
		const closed = this.listeners.map((listener) => listener.close());
		for (const connection of this.#open) connection.drain();
		await this.#emptyWithin(graceMs);
		for (const connection of this.#open) connection.stop();
		for (const pool of this.#pools) pool.close();
		for (const context of this.#contexts.values()) await context.settled();
		await Promise.all(closed);
		await this.#events?.allClosed();
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

	readonly #forget = (connection: TrackedConnection): void => {
		this.#open.delete(connection);
		if (this.#open.size === 0) this.#onEmpty?.();
	};

	/** Modes that use the same upstream pool share a context. */
	#contextOf(mode: ProxyMode): ProxyContext {
		const key = mode.kind === "upstream" ? formatUrl(mode.server.scheme, mode.server.host, mode.server.port, "") : "";
		const known = this.#contexts.get(key);
		if (known !== undefined) return known;
		const {
			options: values,
			pipeline,
			sink,
			wantsFlows = true,
			reportsCached = false,
			onEvent = () => {},
		} = this.#setup;
		const context = new ProxyContext({
			pipeline,
			sink,
			onEvent,
			pool: this.#createPool(mode),
			events: this.#events,
			bodies: this.#bodies,
			own: this.#ownRoute(mode),
			claiming: this.#claimingRoute(),
			lenient: !values.validate_inbound_headers,
			timeoutMs: values.tcp_timeout * 1000,
			websocket: values.websocket,
			recordTcp: values.record_tcp,
			wantsFlows,
			reportsCached,
		});
		this.#contexts.set(key, context);
		return context;
	}

	readonly #isOwn = (socket: Socket): boolean => this.listeners.some((listener) => listener.isReachedBy(socket));

	/** The hooks that also run in pipelines of few hooks: the authentication of clients. */
	get #authentication(): Hook[] {
		const { pipeline, authenticator = null } = this.#setup;
		return pipeline.hooks.filter((hook: unknown) => hook === authenticator);
	}

	/**
	 * The route to servers that clients run themselves: direct, because an upstream proxy cannot reach them. null: the
	 * option is not set, or the mode names an upstream proxy.
	 */
	#ownRoute(mode: ProxyMode): OwnRoute | null {
		const { own: servers = null, options: values } = this.#setup;
		if (servers === null || mode.kind === "upstream") return null;
		const pool = new UpstreamPool(values, { route: () => null, isOwn: this.#isOwn });
		this.#pools.push(pool);
		return {
			servers,
			pool,
			pipeline: new Pipeline(this.#authentication),
			bodies: new BodyPolicy({ stream_large_bodies: 0, store_streamed_bodies: false, body_size_limit: null }),
		};
	}

	#claimingRoute(): ClaimingRoute | null {
		const claiming = this.#setup.pipeline.hooks.find(({ claims }) => claims !== undefined);
		if (claiming?.claims === undefined) return null;
		const { claims, ...hook } = claiming;
		return { claims, pipeline: new Pipeline([...this.#authentication, hook]) };
	}

	#createPool(mode: ProxyMode): UpstreamPool | null {
		const { options: values, upstream, onEvent, route = null, upstreamCredentials = null } = this.#setup;
		if (upstream === null) return null;
		const onDial = (destination: string) => onEvent?.({ kind: "egress", destination });
		const onOmittedField = (field: string, { prettyUrl: url }: Request) =>
			onEvent?.({ kind: "left_out", field: toText(field), of: "request", url });
		const pool = new UpstreamPool(values, {
			route: routeOf(mode, upstreamCredentials, this.#withoutSelf(route)),
			isOwn: this.#isOwn,
			onDial,
			onOmittedField,
			events: this.#events,
		});
		this.#pools.push(pool);
		return pool;
	}

	/**
	 * Ignores an upstream proxy that is this proxy itself: the route may come from an environment made for the proxy's
	 * clients.
	 */
	#withoutSelf(route: Route | null): Route {
		if (route === null) return () => null;
		return (to) => {
			const via = route(to);
			return via === null || this.listeners.some((listener) => listener.isNamedBy(via.host, via.port)) ? null : via;
		};
	}
}
