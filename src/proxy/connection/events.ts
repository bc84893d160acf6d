// What happens to the connections of a proxy, told to the hooks that want to know: the traffic waits for them, and they can refuse a connection.
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { HttpFlow, TcpFlow } from "../../flow/flow.ts";
import type { ClientHelloEvent, ConnectHook, ConnectionHook, ServerEvent, TcpHook, TlsEvent, TlsEventName } from "../../hooks/connection-hooks.ts";
import type { Decision } from "../../hooks/decision.ts";
import type { Pipeline } from "../../hooks/pipeline.ts";
import { after, callInOrder, sequence } from "../../maybe-async.ts";
import { type Dial, type DialDone, upstreamFault } from "./attempt.ts";

export class ConnectionEvents {
	readonly #connection: readonly ConnectionHook[];
	readonly #connect: readonly ConnectHook[];
	readonly #tcp: readonly TcpHook[];
	/** Connections that are open, and hooks that hear of their end. */
	readonly #open = new Set<Promise<void>>();

	private constructor(connection: readonly ConnectionHook[], connect: readonly ConnectHook[], tcp: readonly TcpHook[]) {
		this.#connection = connection;
		this.#connect = connect;
		this.#tcp = tcp;
	}

	/** null: no hook wants to know. */
	static of({ hooks }: Pipeline): ConnectionEvents | null {
		const connection = hooks.flatMap((hook) => hook.connection?.bind(hook) ?? []);
		const connect = hooks.flatMap((hook) => hook.connect?.bind(hook) ?? []);
		const tcp = hooks.flatMap((hook) => hook.tcp?.bind(hook) ?? []);
		return connection.length + connect.length + tcp.length === 0 ? null : new ConnectionEvents(connection, connect, tcp);
	}

	/** A client has come; `client.error` is set if it is to be hung up on. A promise only where a hook made one. */
	clientConnected(socket: Socket, client: ClientConnection): void | Promise<void> {
		this.#whenClosed(socket, () => {
			client.timestampEnd ??= now();
			return callInOrder(this.#connection, "client_disconnected", client);
		});
		return callInOrder(this.#connection, "client_connected", client);
	}

	/**
	 * Connects to a server by `connect`, unless a hook refuses.
	 * @param done gets what `connect` gave, or that a hook refused
	 */
	connect(event: ServerEvent, connect: (done: DialDone) => Dial, done: DialDone): Dial {
		const asked = callInOrder(this.#connection, "server_connect", event);
		const tell = (socket: Socket | null) => {
			if (socket !== null) this.#whenClosed(socket, () => this.#serverClosed(event));
			return this.#serverSettled(event, socket !== null);
		};
		return this.#attempt(event, asked, connect, tell, done);
	}

	/** As `connect`, for what follows on a connection that hooks have heard of: its TLS, if any. */
	goOn(event: ServerEvent, connect: (done: DialDone) => Dial, done: DialDone): Dial {
		const tell = (socket: Socket | null) => sequence(this.#tlsSettled(event, socket !== null));
		return this.#attempt(event, undefined, connect, tell, done);
	}

	/** `tell` gets the connection, or null where there is none. */
	#attempt(
		event: ServerEvent,
		asked: void | Promise<void>,
		connect: (done: DialDone) => Dial,
		tell: (socket: Socket | null) => void | Promise<void>,
		done: DialDone,
	): Dial {
		const { server } = event;
		let dial: Dial | null = null;
		let isCancelled = false;
		let connected: Socket | null = null;
		const settle: DialDone = (error, socket) => {
			if (isCancelled) socket?.destroy();
			else if (error === null && socket?.destroyed) done(upstreamFault("the server closed the connection"), null);
			else done(error, socket);
		};
		const onConnected: DialDone = (error, socket) => {
			connected = socket;
			if (error !== null) server.error = error.message;
			void after(tell(error === null ? socket : null), () => settle(error, socket));
		};
		void Promise.resolve(asked).then(() => {
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

	/** What has come of a connection to a server, told in mitmproxy's order once all of it is known. */
	#serverSettled(event: ServerEvent, isConnected: boolean): void | Promise<void> {
		if (!isConnected && event.server.sni === null) return callInOrder(this.#connection, "server_connect_error", event);
		return sequence([
			() => callInOrder(this.#connection, "server_connected", event),
			...this.#tlsSettled(event, isConnected),
			...(isConnected ? [] : [() => this.#serverClosed(event)]),
		]);
	}

	#tlsSettled(event: ServerEvent, isConnected: boolean): (() => void | Promise<void>)[] {
		if (event.server.sni === null) return [];
		const tls = { conn: event.server, context: event };
		return [() => this.tls("tls_start_server", tls), () => this.tls(isConnected ? "tls_established_server" : "tls_failed_server", tls)];
	}

	clientHello(event: ClientHelloEvent): void | Promise<void> {
		return callInOrder(this.#connection, "tls_clienthello", event);
	}

	tls(name: TlsEventName, event: TlsEvent): void | Promise<void> {
		return callInOrder(this.#connection, name, event);
	}

	/** Whether somebody wants to hear of tunnels that are asked for. */
	get watchesTunnels(): boolean {
		return this.#connect.length > 0;
	}

	tunnel(name: Parameters<ConnectHook>[0], flow: HttpFlow, decision: Decision): void | Promise<void> {
		return callInOrder(this.#connect, name, flow, decision);
	}

	/** Whether somebody wants to see the bytes of tunnels. */
	get watchesTcp(): boolean {
		return this.#tcp.length > 0;
	}

	tcp(event: Parameters<TcpHook>[0], flow: TcpFlow, decision: Decision): void | Promise<void> {
		return callInOrder(this.#tcp, event, flow, decision);
	}

	/** Resolves when all connections are closed, and those who wanted to hear of it have. */
	async settled(): Promise<void> {
		while (this.#open.size > 0) await Promise.all(this.#open);
	}

	#serverClosed(event: ServerEvent): void | Promise<void> {
		event.server.timestampEnd ??= now();
		return callInOrder(this.#connection, "server_disconnected", event);
	}

	#whenClosed(socket: Socket, tell: () => void | Promise<void>): void {
		const open = new Promise<void>((resolve) => socket.once("close", resolve)).then(tell).finally(() => this.#open.delete(open));
		this.#open.add(open);
	}
}
