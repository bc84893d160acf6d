// The other end of a route, in the thread of the engine: accepts routed connections, learns the target of each from the
// route's messages, hands over those that speak HTTP or TLS, and relays the others to their target.
import { lookup } from "node:dns/promises";
import { type AddressInfo, connect, createServer, isIP, type Server, type Socket } from "node:net";
import { pipeline } from "node:stream";
import { firstBytes } from "./first-bytes.ts";
import type { RouteMessage } from "./message.ts";
import { formatTarget, isNear, type Target } from "./target.ts";

/** A connection that begins with HTTP or a TLS ClientHello. */
export interface RoutedSocket {
	/** Paused, with its first bytes unread. */
	readonly socket: Socket;
	readonly target: Target;
	/** The scope in which the client connected; null: none. */
	readonly scope: string | null;
}

export interface EntranceOptions {
	/** Takes over a connection. */
	readonly take: (routed: RoutedSocket) => void;
	/**
	 * Whether a connection of another protocol may reach a target that is neither on this machine nor in a private
	 * network.
	 */
	readonly passesForeign: (target: Target) => boolean;
	/** A connection of another protocol was connected to its target. */
	readonly onPassed?: (target: Target) => void;
	/** A connection of another protocol was closed; the message says which, and what to do. */
	readonly onRefused?: (target: Target, message: string) => void;
}

export interface Entrance {
	readonly host: string;
	readonly port: number;
	/** Receives each message of the route. */
	tell(message: RouteMessage): void;
	/** Stops listening, and closes the connections that were not taken over. */
	close(): Promise<void>;
}

/** Listens on a free port of the loopback address. */
export async function openEntrance(options: EntranceOptions): Promise<Entrance> {
	const entrance = new ListeningEntrance(options);
	await entrance.listen();
	return entrance;
}

/** How long a silent client is kept if its target cannot be reached: its request, if it sends one, needs no target. */
const UNREACHABLE_MS = 1000;

/** What messages have said of a connection that is not accepted yet. */
interface Announced {
	readonly target: Target;
	readonly scope: string | null;
	isSilent: boolean;
}

class ListeningEntrance implements Entrance {
	readonly host = "127.0.0.1";
	readonly #options: EntranceOptions;
	readonly #server: Server;
	readonly #announced = new Map<number, Announced>();
	/** Connections whose protocol is not known yet. Both maps are by the client's port. */
	readonly #arrivals = new Map<number, Arrival>();
	readonly #relayed = new Set<Socket>();

	constructor(options: EntranceOptions) {
		this.#options = options;
		this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	async listen(): Promise<void> {
		await new Promise<void>((resolve, reject) => {
			// Not `once`: a later error is a connection that could not be accepted, after which the server goes on.
			this.#server.on("error", reject).listen({ host: this.host, port: 0, backlog: 1024 }, resolve);
		});
	}

	tell(message: RouteMessage): void {
		const { localPort: port } = message;
		const announced = this.#announced.get(port);
		const arrival = this.#arrivals.get(port);
		if (message.kind === "closed") this.#announced.delete(port);
		else if (message.kind === "silent") {
			if (announced === undefined) arrival?.pass();
			else announced.isSilent = true;
		} else if (arrival?.target === null) arrival.begin(message.target, message.scope);
		else this.#announced.set(port, { target: message.target, scope: message.scope, isSilent: false });
	}

	async close(): Promise<void> {
		for (const arrival of this.#arrivals.values()) arrival.stop();
		for (const socket of this.#relayed) socket.destroy();
		await new Promise<void>((resolve) => this.#server.close(() => resolve()));
	}

	#accept(socket: Socket): void {
		const port = socket.remotePort;
		// the client has left already
		if (port === undefined) return void socket.destroy();
		// an earlier client has left too, or its port would not be free
		this.#arrivals.get(port)?.stop();
		const arrival: Arrival = new Arrival(socket, {
			...this.#options,
			onRelay: (upstream) => this.#keep(socket, upstream),
			onEnd: () => {
				if (this.#arrivals.get(port) === arrival) this.#arrivals.delete(port);
			},
		});
		this.#arrivals.set(port, arrival);
		const announced = this.#announced.get(port);
		if (announced === undefined) return;
		this.#announced.delete(port);
		arrival.begin(announced.target, announced.scope);
		if (announced.isSilent) arrival.pass();
	}

	#keep(...sockets: readonly Socket[]): void {
		for (const socket of sockets) {
			this.#relayed.add(socket);
			socket.on("close", () => this.#relayed.delete(socket));
		}
	}
}

interface ArrivalOptions extends EntranceOptions {
	/** The connection is relayed to this socket. */
	readonly onRelay: (upstream: Socket) => void;
	/** The connection was taken over, relayed or closed. Called once. */
	readonly onEnd: () => void;
}

/** A connection whose protocol is not known yet. */
class Arrival {
	/** null: the route has not told it yet. */
	target: Target | null = null;
	readonly #socket: Socket;
	readonly #options: ArrivalOptions;
	#scope: string | null = null;
	#bytes: Buffer = Buffer.alloc(0);
	#isPassing = false;
	/** The connection to the target; null: the client may yet speak HTTP. */
	#upstream: Socket | null = null;
	#isOver = false;

	constructor(socket: Socket, options: ArrivalOptions) {
		this.#socket = socket;
		this.#options = options;
		socket.on("data", this.#onData).on("end", this.stop).on("close", this.stop).on("error", this.stop);
	}

	begin(target: Target, scope: string | null): void {
		this.target = target;
		this.#scope = scope;
		this.#socket.resume();
		this.#decide();
	}

	/** Connects to the target: the client waits for its first word, or speaks another protocol. */
	pass(): void {
		if (this.#isPassing || this.target === null) return;
		this.#isPassing = true;
		void this.#reach(this.target);
	}

	readonly stop = (): void => {
		if (this.#isOver) return;
		this.#end();
		this.#socket.destroy();
		this.#upstream?.destroy();
	};

	readonly #onData = (chunk: Buffer): void => {
		this.#bytes = Buffer.concat([this.#bytes, chunk]);
		if (this.target === null) this.#socket.pause();
		else this.#decide();
	};

	#decide(): void {
		if (this.#isOver || this.target === null) return;
		const found = firstBytes(this.#bytes);
		if (found === "web") {
			this.#upstream?.destroy();
			this.#options.take({ socket: this.#handOver(), target: this.target, scope: this.#scope });
		} else if (found === "other") {
			this.pass();
			if (this.#upstream?.readyState === "open") this.#relay(this.#upstream, this.target);
		}
	}

	async #reach(target: Target): Promise<void> {
		const mayPass = this.#options.passesForeign(target) || (await isNearby(target.host));
		if (this.#isOver) return;
		if (!mayPass) return this.#refuse(target);
		const upstream = connect({ host: target.host, port: target.port, noDelay: true, allowHalfOpen: true });
		this.#upstream = upstream;
		upstream
			.on("error", () => this.#unreachable())
			.on("connect", () => this.#decide())
			.once("readable", () => this.#isOver || this.#relay(upstream, target));
	}

	#relay(upstream: Socket, target: Target): void {
		const client = this.#handOver();
		this.#options.onRelay(upstream);
		pipeline(client, upstream, client, () => {
			client.destroy();
			upstream.destroy();
		});
		this.#options.onPassed?.(target);
	}

	#refuse(target: Target): void {
		const text = formatTarget(target);
		this.#end();
		this.#socket.resetAndDestroy();
		this.#options.onRefused?.(
			target,
			`a connection to ${text} speaks neither HTTP nor TLS, so no tape can answer it; to let it pass to the network, add the option passthrough: ["${text}"]`,
		);
	}

	#unreachable(): void {
		if (this.#bytes.length > 0) this.stop();
		else setTimeout(this.stop, UNREACHABLE_MS).unref();
	}

	/** Ends this arrival. The socket is paused, with its bytes unread. */
	#handOver(): Socket {
		this.#end();
		this.#socket.pause();
		if (this.#bytes.length > 0) this.#socket.unshift(this.#bytes);
		return this.#socket;
	}

	#end(): void {
		this.#isOver = true;
		this.#socket.off("data", this.#onData).off("end", this.stop).off("close", this.stop).off("error", this.stop);
		// it may still fail before it has another listener
		this.#socket.on("error", () => {});
		this.#options.onEnd();
	}
}

async function isNearby(host: string): Promise<boolean> {
	const found = isIP(host) === 0 ? await lookup(host, { all: true }).catch(() => []) : [{ address: host }];
	return found.length > 0 && found.every(({ address }) => isNear(address));
}
