// Reports the connection events of a proxy to hooks. The traffic waits for the hooks, which can refuse a connection.
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { HttpFlow, TcpFlow } from "../../flow/flow.ts";
import type {
	ClientHelloEvent,
	ConnectHook,
	ConnectionHook,
	ServerEvent,
	TcpHook,
	TlsEvent,
	TlsEventName,
} from "../../hooks/connection-hooks.ts";
import type { Decision } from "../../hooks/decision.ts";
import type { Pipeline } from "../../hooks/pipeline.ts";
import { after, callInOrder, type MaybeAsync, sequence } from "../../maybe-async.ts";
import { type Dial, type DialCallback, upstreamFault } from "./attempt.ts";

export class ConnectionEvents {
	readonly #connection: readonly ConnectionHook[];
	readonly #connect: readonly ConnectHook[];
	readonly #tcp: readonly TcpHook[];
	/** One promise for each open connection; it resolves when the hooks have handled the connection's end. */
	readonly #open = new Set<Promise<void>>();

	private constructor(connection: readonly ConnectionHook[], connect: readonly ConnectHook[], tcp: readonly TcpHook[]) {
		this.#connection = connection;
		this.#connect = connect;
		this.#tcp = tcp;
	}

	/** Creates the events for the hooks of a pipeline; null: no hook handles connection events. */
	static forPipeline({ hooks }: Pipeline): ConnectionEvents | null {
		const connection = hooks.flatMap((hook) => hook.connection?.bind(hook) ?? []);
		const connect = hooks.flatMap((hook) => hook.connect?.bind(hook) ?? []);
		const tcp = hooks.flatMap((hook) => hook.tcp?.bind(hook) ?? []);
		return connection.length + connect.length + tcp.length === 0
			? null
			: new ConnectionEvents(connection, connect, tcp);
	}

	/**
	 * Reports a new client. The caller must close the connection if a hook sets `client.error`. Returns a promise only if
	 * a hook returned one.
	 */
	clientConnected(socket: Socket, client: ClientConnection): MaybeAsync {
		this.#whenClosed(socket, () => {
			client.timestampEnd ??= now();
			return callInOrder(this.#connection, "client_disconnected", client);
		});
		return callInOrder(this.#connection, "client_connected", client);
	}

	/**
	 * Connects to a server with `connect`, unless a hook refuses.
	 * @param done receives the result of `connect`, or the refusal
	 */
	connect(event: ServerEvent, connect: (done: DialCallback) => Dial, done: DialCallback): Dial {
		const hooksDone = callInOrder(this.#connection, "server_connect", event);
		const report = (socket: Socket | null) => {
			if (socket !== null) this.#whenClosed(socket, () => this.#serverClosed(event));
			return this.#reportServerOutcome(event, socket !== null);
		};
		return this.#attempt(event, hooksDone, connect, report, done);
	}

	/**
	 * As `connect`, for a connection that was reported already: only the outcome of its TLS handshake, if any, is
	 * reported.
	 */
	continueConnection(event: ServerEvent, connect: (done: DialCallback) => Dial, done: DialCallback): Dial {
		const report = (socket: Socket | null) => sequence(this.#tlsOutcomes(event, socket !== null));
		return this.#attempt(event, undefined, connect, report, done);
	}

	/** @param report receives the connected socket, or null if the attempt failed */
	#attempt(
		event: ServerEvent,
		hooksDone: MaybeAsync,
		connect: (done: DialCallback) => Dial,
		report: (socket: Socket | null) => MaybeAsync,
		done: DialCallback,
	): Dial {
		const { server } = event;
		let dial: Dial | null = null;
		let isCancelled = false;
		let connected: Socket | null = null;
		const settle: DialCallback = (error, socket) => {
			if (isCancelled) socket?.destroy();
			else if (error === null && socket?.destroyed) done(upstreamFault("the server closed the connection"), null);
			else done(error, socket);
		};
		const onConnected: DialCallback = (error, socket) => {
			connected = socket;
			if (error !== null) server.error = error.message;
			void after(report(error === null ? socket : null), () => settle(error, socket));
		};
		void Promise.resolve(hooksDone).then(() => {
			if (isCancelled) return;
			if (server.error === null) dial = connect(onConnected);
			else done(upstreamFault(`a script refused the connection to the server: ${server.error}`), null);
		});
		return {
			cancel() {
				isCancelled = true;
				dial?.cancel();
				connected?.destroy();
			},
		};
	}

	/** Reports the outcome of an attempt to connect to a server, including TLS, in mitmproxy's order of events. */
	#reportServerOutcome(event: ServerEvent, isConnected: boolean): MaybeAsync {
		if (!isConnected && event.server.sni === null) return callInOrder(this.#connection, "server_connect_error", event);
		return sequence([
			() => callInOrder(this.#connection, "server_connected", event),
			...this.#tlsOutcomes(event, isConnected),
			...(isConnected ? [] : [() => this.#serverClosed(event)]),
		]);
	}

	#tlsOutcomes(event: ServerEvent, isConnected: boolean): (() => MaybeAsync)[] {
		if (event.server.sni === null) return [];
		const tls = { conn: event.server, context: event };
		return [
			() => this.tls("tls_start_server", tls),
			() => this.tls(isConnected ? "tls_established_server" : "tls_failed_server", tls),
		];
	}

	clientHello(event: ClientHelloEvent): MaybeAsync {
		return callInOrder(this.#connection, "tls_clienthello", event);
	}

	tls(name: TlsEventName, event: TlsEvent): MaybeAsync {
		return callInOrder(this.#connection, name, event);
	}

	/** Whether a hook handles CONNECT requests. */
	get watchesTunnels(): boolean {
		return this.#connect.length > 0;
	}

	tunnel(name: Parameters<ConnectHook>[0], flow: HttpFlow, decision: Decision): MaybeAsync {
		return callInOrder(this.#connect, name, flow, decision);
	}

	/** Whether a hook handles the bytes of tunnels. */
	get watchesTcp(): boolean {
		return this.#tcp.length > 0;
	}

	tcp(event: Parameters<TcpHook>[0], flow: TcpFlow, decision: Decision): MaybeAsync {
		return callInOrder(this.#tcp, event, flow, decision);
	}

	/** Resolves when all connections are closed and the hooks have handled that. */
	async allClosed(): Promise<void> {
		while (this.#open.size > 0) await Promise.all(this.#open);
	}

	#serverClosed(event: ServerEvent): MaybeAsync {
		event.server.timestampEnd ??= now();
		return callInOrder(this.#connection, "server_disconnected", event);
	}

	#whenClosed(socket: Socket, report: () => MaybeAsync): void {
		const open = new Promise<void>((resolve) => socket.once("close", resolve))
			.then(report)
			.finally(() => this.#open.delete(open));
		this.#open.add(open);
	}
}
