// Leads connections to the entrance. One function does this for every client: all of them connect by
// `net.Socket.prototype.connect`, whichever agent, pool or dispatcher they use, and when they made it.
import { isIP, Socket } from "node:net";
import timers from "node:timers";
import { TLSSocket } from "node:tls";
import type { RouteMessage } from "./message.ts";
import { addressOf, type Names, withName } from "./names.ts";
import type { OwnServers } from "./own-servers.ts";
import type { Method, Replaceable } from "./patches.ts";
import { type ConnectCall, formatTarget, readConnect, type Target } from "./target.ts";
import type { Trust } from "./trust.ts";

// test runners replace the timers of the program under test
const { setImmediate: later, setTimeout: after, clearTimeout: forget } = timers;

/**
 * How long a client may send nothing before it counts as waiting for the server. Its own thread measures this, so that a
 * busy client is not taken for a silent one.
 */
const SILENCE_MS = 50;

export interface SocketOptions {
	readonly entrance: Target;
	readonly routes: (host: string, port: number) => boolean;
	readonly tell: (message: RouteMessage) => void;
	/** The scope of the current call; null: none. */
	readonly scope: () => string | null;
	readonly names: Names;
	readonly own: OwnServers;
	readonly trust: Trust;
}

/** Members of a socket that Node reads, and has no functions to set. */
interface SocketParts {
	/** The name that `tls.connect` compares with a certificate if it is given this socket. */
	_host: string | null;
	/** The result of `getpeername`, which Node keeps. */
	_peername: { address: string; family: string; port: number } | null;
	/** The socket below that `tls.connect` was given. */
	_parent: Socket | null;
}

export class Sockets {
	/** Connections to targets that `routes` left to the network, and how many, by target. */
	readonly direct = new Map<string, number>();
	readonly #options: SocketOptions;
	readonly #routed = new Map<Socket, Target>();

	constructor(options: SocketOptions) {
		this.#options = options;
	}

	patches(): Replaceable[] {
		return [
			{
				owner: Socket.prototype,
				ownerName: "net.Socket.prototype",
				key: "connect",
				handler: (original, self, args) => this.#connect(original, self as Socket, args),
			},
			{
				// begins the handshake, over a connection of its own and over a socket that it was given
				owner: TLSSocket.prototype,
				ownerName: "tls.TLSSocket.prototype",
				key: "_start",
				handler: (original, self, args) => {
					this.#secure(self as TLSSocket);
					return Reflect.apply(original, self, args);
				},
			},
		];
	}

	/** Destroys the routed sockets: one that is kept alive would carry the next requests to this route. */
	close(): void {
		for (const socket of this.#routed.keys()) socket.destroy();
		this.#routed.clear();
	}

	#connect(original: Method, socket: Socket, args: unknown[]): unknown {
		const { entrance, own, names, routes } = this.#options;
		const call = readConnect(args);
		if (call === null || (call.target.host === entrance.host && call.target.port === entrance.port))
			return Reflect.apply(original, socket, args);
		const target = withName(call.target);
		if (own.has(target)) return Reflect.apply(original, socket, args);
		let isRouted: boolean;
		try {
			isRouted = routes(target.host, target.port);
		} catch (error) {
			later(() => socket.destroy(error as Error));
			return socket;
		}
		if (isRouted) return this.#lead(original, socket, call, target);
		const text = formatTarget(target);
		this.direct.set(text, (this.direct.get(text) ?? 0) + 1);
		return names.resolving(() => Reflect.apply(original, socket, [{ ...call.options, host: target.host }, call.done]));
	}

	#lead(original: Method, socket: Socket, { options, done }: ConnectCall, target: Target): unknown {
		const { entrance, scope } = this.#options;
		const connectScope = scope();
		let localPort: number | undefined;
		let silence: NodeJS.Timeout | undefined;
		const onConnect = (): void => {
			localPort = socket.localPort;
			if (localPort === undefined) return;
			showTarget(socket, target);
			this.#options.tell({ kind: "connected", localPort, target, scope: connectScope });
			if (!(socket instanceof TLSSocket)) silence = after(onSilence, SILENCE_MS, localPort).unref();
		};
		const onSilence = (port: number): void => {
			if (socket.bytesWritten === 0) this.#options.tell({ kind: "silent", localPort: port });
		};
		const onClose = (): void => {
			forget(silence);
			socket.removeListener("connect", onConnect);
			this.#routed.delete(socket);
			if (localPort !== undefined) this.#options.tell({ kind: "closed", localPort });
		};
		this.#routed.set(socket, target);
		socket.prependOnceListener("connect", onConnect).once("close", onClose);
		if (isIP(target.host) === 0) Reflect.set(socket, "_host", target.host);
		const { host, port } = entrance;
		const led = { ...options, host, port, localAddress: undefined, localPort: undefined };
		return Reflect.apply(original, socket, [led, done]);
	}

	/** Gives trust to a TLS connection that is routed, or goes over a routed socket. */
	#secure(socket: TLSSocket): void {
		let below: Socket | null = socket;
		while (below && !this.#routed.has(below)) below = parts(below)._parent;
		const target = below && this.#routed.get(below);
		if (!target) return;
		if (below !== socket) showTarget(socket, target);
		this.#options.trust.give(socket);
	}
}

/** Makes a connected socket give the address and port of its target, which some clients compare with a request's. */
function showTarget(socket: Socket, { host, port }: Target): void {
	const address = isIP(host) === 0 ? addressOf(host) : host;
	parts(socket)._peername = { address, family: `IPv${isIP(address)}`, port };
}

function parts(socket: Socket): SocketParts {
	return socket as unknown as SocketParts;
}
