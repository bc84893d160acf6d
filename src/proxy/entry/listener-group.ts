// A group of listeners with the connections that they have accepted: those of the proxy's modes, or the one of a
// session. Each group has its own connections to servers.
import type { Socket } from "node:net";
import { toText } from "../../flow/bytes.ts";
import type { Request } from "../../flow/message.ts";
import { formatUrl } from "../../flow/url.ts";
import type { Hook } from "../../hooks/hook.ts";
import { Pipeline } from "../../hooks/pipeline.ts";
import { BodyPolicy } from "../body/policy.ts";
import type { ConnectionEvents } from "../connection/events.ts";
import { type ClaimingRoute, type OwnRoute, ProxyContext, type SessionRule } from "../context/context.ts";
import type { Route } from "../route/destination.ts";
import type { ProxyMode } from "../route/modes.ts";
import { UpstreamPool } from "../upstream/pool.ts";
import { routeOf } from "../upstream/proxy.ts";
import { ConnectionAcceptor, type TrackedConnection } from "./acceptor.ts";
import { Listener } from "./listener.ts";
import type { ProxySetup } from "./setup.ts";

/** What the groups of a proxy share. */
export interface SharedParts {
	readonly bodies: BodyPolicy;
	readonly events: ConnectionEvents | null;
	/** The listeners of all open groups. */
	readonly listeners: Set<Listener>;
}

export class ListenerGroup {
	readonly listeners: readonly Listener[];
	readonly #setup: ProxySetup;
	readonly #shared: SharedParts;
	readonly #session: SessionRule;
	/** One pool for each upstream proxy that a mode names, and one for all other modes. */
	readonly #pools: UpstreamPool[] = [];
	readonly #contexts = new Map<string, ProxyContext>();
	/** One for each listener. */
	readonly #acceptors: ConnectionAcceptor[] = [];
	readonly #open = new Set<TrackedConnection>();
	#onEmpty: (() => void) | null = null;
	#closing: Promise<void> | null = null;

	constructor(setup: ProxySetup, modes: readonly ProxyMode[], shared: SharedParts, session: SessionRule) {
		const { options: values, authority, authenticator = null, hosts = null, prefersHttp1 = null } = setup;
		this.#setup = setup;
		this.#shared = shared;
		this.#session = session;
		this.listeners = modes.map((mode) => {
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
			this.#acceptors.push(acceptor);
			return new Listener(mode, (socket) => acceptor.accept(socket));
		});
		for (const listener of this.listeners) shared.listeners.add(listener);
	}

	/** @throws FlowtapeError FT_PORT; then the group is closed */
	async listen(): Promise<void> {
		try {
			for (const listener of this.listeners) await listener.listen();
		} catch (error) {
			await this.close(0);
			throw error;
		}
		for (const { host, port, mode } of this.listeners)
			this.#setup.onEvent?.({ kind: "listening", host, port, mode: mode.text });
	}

	watchFlows(): void {
		for (const context of this.#contexts.values()) context.watchFlows();
	}

	/** Serves a socket as an open tunnel to a host, as the first mode does after a CONNECT. */
	acceptTunnel(socket: Socket, host: string, port: number, user: string | null): void {
		this.#acceptors[0]?.acceptTunnel(socket, host, port, user);
	}

	/**
	 * Stops accepting connections, gives exchanges in progress `graceMs` milliseconds to end, and records those still
	 * open as they are. Further calls return the same promise.
	 */
	close(graceMs: number): Promise<void> {
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
		for (const listener of this.listeners) this.#shared.listeners.delete(listener);
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
			events: this.#shared.events,
			bodies: this.#shared.bodies,
			own: this.#ownRoute(mode),
			claiming: this.#claimingRoute(),
			lenient: !values.validate_inbound_headers,
			timeoutMs: values.tcp_timeout * 1000,
			websocket: values.websocket,
			recordTcp: values.record_tcp,
			session: this.#session,
			wantsFlows,
			reportsCached,
		});
		this.#contexts.set(key, context);
		return context;
	}

	readonly #isOwn = (socket: Socket): boolean => {
		for (const listener of this.#shared.listeners) if (listener.isReachedBy(socket)) return true;
		return false;
	};

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
			events: this.#shared.events,
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
