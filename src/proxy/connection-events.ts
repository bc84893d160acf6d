// What happens to the connections of a proxy, told to the hooks that want to know: the traffic waits for them, and they can refuse a connection.
import type { Socket } from "node:net";
import type { FlowtapeError } from "../errors.ts";
import type { ClientConnection } from "../flow/connection.ts";
import type { HttpFlow, TcpFlow } from "../flow/flow.ts";
import type { ClientHelloEvent, ConnectHook, ConnectionHook, ServerEvent, TcpHook, TlsEvent, TlsEventName, Turn } from "../hooks/hook.ts";
import type { Pipeline } from "../hooks/pipeline.ts";
import { now } from "./clock.ts";
import { type Dial, upstreamFault } from "./upstream-channel.ts";

/** Gets a sentence for people, or the socket. */
type Connected = (error: FlowtapeError | null, socket: Socket | null) => void;

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
			return inTurn(this.#connection, "client_disconnected", client);
		});
		return inTurn(this.#connection, "client_connected", client);
	}

	/**
	 * Connects to a server by `connect`, unless a hook refuses.
	 * @param done gets what `connect` gave, or that a hook refused
	 */
	connect(event: ServerEvent, connect: (done: Connected) => Dial, done: Connected): Dial {
		const { server } = event;
		let dial: Dial | null = null;
		let isCancelled = false;
		let connected: Socket | null = null;
		const settle: Connected = (error, socket) => {
			if (isCancelled) socket?.destroy();
			else if (socket?.destroyed) done(upstreamFault("the server closed the connection"), null);
			else done(error, socket);
		};
		const onConnected: Connected = (error, socket) => {
			connected = socket;
			if (socket !== null) this.#whenClosed(socket, () => this.#serverClosed(event));
			else server.error = error?.message ?? null;
			void after(this.#serverSettled(event, socket !== null), () => settle(error, socket));
		};
		void Promise.resolve(inTurn(this.#connection, "server_connect", event)).then(() => {
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
		const { server } = event;
		const isSecure = server.sni !== null;
		if (!isConnected && !isSecure) return inTurn(this.#connection, "server_connect_error", event);
		const tls = { conn: server, context: event };
		return sequence([
			() => inTurn(this.#connection, "server_connected", event),
			...(isSecure ? [() => this.tls("tls_start_server", tls), () => this.tls(isConnected ? "tls_established_server" : "tls_failed_server", tls)] : []),
			...(isConnected ? [] : [() => this.#serverClosed(event)]),
		]);
	}

	clientHello(event: ClientHelloEvent): void | Promise<void> {
		return inTurn(this.#connection, "tls_clienthello", event);
	}

	tls(name: TlsEventName, event: TlsEvent): void | Promise<void> {
		return inTurn(this.#connection, name, event);
	}

	/** Whether somebody wants to hear of tunnels that are asked for. */
	get watchesTunnels(): boolean {
		return this.#connect.length > 0;
	}

	tunnel(name: Parameters<ConnectHook>[0], flow: HttpFlow, turn: Turn): void | Promise<void> {
		return inTurn(this.#connect, name, flow, turn);
	}

	/** Whether somebody wants to see the bytes of tunnels. */
	get watchesTcp(): boolean {
		return this.#tcp.length > 0;
	}

	tcp(event: Parameters<TcpHook>[0], flow: TcpFlow, turn: Turn): void | Promise<void> {
		return inTurn(this.#tcp, event, flow, turn);
	}

	/** Resolves when all connections are closed, and those who wanted to hear of it have. */
	async settled(): Promise<void> {
		while (this.#open.size > 0) await Promise.all(this.#open);
	}

	#serverClosed(event: ServerEvent): void | Promise<void> {
		event.server.timestampEnd ??= now();
		return inTurn(this.#connection, "server_disconnected", event);
	}

	#whenClosed(socket: Socket, tell: () => void | Promise<void>): void {
		const open = new Promise<void>((resolve) => socket.once("close", resolve)).then(tell).finally(() => this.#open.delete(open));
		this.#open.add(open);
	}
}

/** At once, or when the wait is over. */
export function after(wait: void | Promise<void>, next: () => void | Promise<void>): void | Promise<void> {
	return wait === undefined ? next() : wait.then(next);
}

/** One step after the other; without a promise as long as none gives one. */
function sequence(steps: readonly (() => void | Promise<void>)[]): void | Promise<void> {
	return steps.reduce<void | Promise<void>>(after, undefined);
}

function inTurn<A extends unknown[]>(hooks: readonly ((...args: A) => void | Promise<void>)[], ...args: A): void | Promise<void> {
	return sequence(hooks.map((hook) => () => hook(...args)));
}
