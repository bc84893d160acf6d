// Starts and stops the proxy: the listeners of its modes, and those of sessions.
import type { Socket } from "node:net";
import { sessionNameOf } from "../flow/session.ts";
import { BodyPolicy } from "./body/policy.ts";
import { ConnectionEvents } from "./connection/events.ts";
import type { ProxyEvent } from "./context/context.ts";
import type { Listener } from "./entry/listener.ts";
import { ListenerGroup, type SharedParts } from "./entry/listener-group.ts";
import type { ProxySetup } from "./entry/setup.ts";
import { type ProxyMode, parseModes } from "./route/modes.ts";

export type { ProxyEvent } from "./context/context.ts";
export { type ProxySetup, proxyOptions } from "./entry/setup.ts";

export interface Listening {
	readonly host: string;
	readonly port: number;
	readonly mode: ProxyMode;
}

/** The listener of a session. */
export interface SessionListener extends Listening {
	/** As `RunningProxy.close`, for the connections of the session. */
	close(options?: CloseOptions): Promise<void>;
}

interface CloseOptions {
	/** How long exchanges in progress may take to end; default: 500. Milliseconds. */
	graceMs?: number;
}

export interface RunningProxy {
	/** Address and port of the first mode's listener. */
	readonly host: string;
	readonly port: number;
	/** One listener for each mode. */
	readonly listeners: readonly Listening[];
	/** Call when `onEvent` begins to use flows. */
	watchFlows(): void;
	/** Serves a socket as an open tunnel to a host, as the first mode does after a CONNECT. */
	acceptTunnel(socket: Socket, host: string, port: number, user: string | null): void;
	/**
	 * Opens another listener for the first mode, on a free port of the loopback interface. All its clients belong to the
	 * session.
	 * @param onEvent receives the events of this listener, in place of `ProxySetup.onEvent`
	 * @throws FlowtapeError FT_PORT
	 */
	openSession(name: string, onEvent?: (event: ProxyEvent) => void): Promise<SessionListener>;
	/**
	 * Stops accepting connections, also those of sessions, gives exchanges in progress `graceMs` milliseconds to end, and
	 * records those still open as they are.
	 */
	close(options?: CloseOptions): Promise<void>;
}

const GRACE_MS = 500;

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
	readonly #setup: ProxySetup;
	readonly #shared: SharedParts;
	readonly #main: ListenerGroup;
	readonly #sessions = new Set<ListenerGroup>();
	#wantsFlows: boolean;
	#closing: Promise<void> | null = null;

	constructor(setup: ProxySetup) {
		const { options: values, pipeline, authenticator = null } = setup;
		const session = sessionNameOf(values.session ?? "");
		this.#setup = setup;
		this.#wantsFlows = setup.wantsFlows ?? true;
		this.#shared = {
			bodies: new BodyPolicy(values),
			events: ConnectionEvents.forPipeline(pipeline),
			listeners: new Set(),
		};
		const isFixed = session !== null && authenticator !== null;
		this.#main = new ListenerGroup(setup, parseModes(values), this.#shared, { name: session, isFixed });
	}

	get listeners(): readonly Listener[] {
		return this.#main.listeners;
	}

	get host(): string {
		return this.listeners[0]?.host ?? "";
	}

	get port(): number {
		return this.listeners[0]?.port ?? 0;
	}

	listen(): Promise<void> {
		return this.#main.listen();
	}

	watchFlows(): void {
		this.#wantsFlows = true;
		for (const group of [this.#main, ...this.#sessions]) group.watchFlows();
	}

	acceptTunnel(socket: Socket, host: string, port: number, user: string | null): void {
		this.#main.acceptTunnel(socket, host, port, user);
	}

	async openSession(name: string, onEvent = this.#setup.onEvent): Promise<SessionListener> {
		const [first] = this.listeners as [Listener];
		const mode = { ...first.mode, listen: { host: "127.0.0.1", port: 0 } };
		const setup = { ...this.#setup, wantsFlows: this.#wantsFlows, ...(onEvent && { onEvent }) };
		const group = new ListenerGroup(setup, [mode], this.#shared, { name, isFixed: true });
		this.#sessions.add(group);
		await group.listen();
		const [{ host, port }] = group.listeners as [Listener];
		return {
			host,
			port,
			mode,
			close: async ({ graceMs = GRACE_MS } = {}) => {
				await group.close(graceMs);
				this.#sessions.delete(group);
			},
		};
	}

	close({ graceMs = GRACE_MS }: CloseOptions = {}): Promise<void> {
		this.#closing ??= this.#close(graceMs);
		return this.#closing;
	}

	async #close(graceMs: number): Promise<void> {
		await Promise.all([this.#main, ...this.#sessions].map((group) => group.close(graceMs)));
		await this.#shared.events?.allClosed();
	}
}
