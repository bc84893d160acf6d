// The proxy: listens, tells every connection apart, and ends without losing what was under way.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FlowtapeError, hasErrno } from "../errors.ts";
import type { ClientConnection as ClientFacts } from "../flow/connection.ts";
import type { FlowSink } from "../flow/pipe.ts";
import { formatAuthority } from "../flow/url.ts";
import type { Pipeline } from "../hooks/pipeline.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { BodyPolicy, options as bodyOptions } from "./body-policy.ts";
import type { LeafIssuer } from "./ca.ts";
import { ClientConnection } from "./client-connection.ts";
import { ClientHttp2 } from "./client-http2.ts";
import { clientFacts } from "./connection-facts.ts";
import { ProxyContext, type ProxyEvent } from "./context.ts";
import type { TunnelTarget } from "./target.ts";
import { Tunnel, options as tunnelOptions } from "./tunnel.ts";
import { UpstreamPool, options as upstreamOptions } from "./upstream.ts";
import { options as websocketOptions } from "./websocket.ts";

export type { ProxyEvent } from "./context.ts";

export const options = {
	listen_host: { type: "string", default: "127.0.0.1", metavar: "HOST", help: "Address to listen on." },
	listen_port: { type: "integer", default: 8080, min: 0, max: 65535, metavar: "PORT", short: "p", help: "Port to listen on; 0 picks a free one." },
} as const satisfies OptionTable;

/** Every option of the proxy. */
export const proxyOptions = { ...options, ...bodyOptions, ...tunnelOptions, ...upstreamOptions, ...websocketOptions } as const satisfies OptionTable;

export interface ProxySetup {
	options: OptionValues<typeof proxyOptions>;
	/** Makes the certificates that clients are shown. */
	authority: LeafIssuer;
	pipeline: Pipeline;
	/** Gets every flow once, when it is complete or has failed. It is not closed. */
	sink: FlowSink;
	/** null: no name is ever resolved and no connection opened; what the hooks do not answer gets 502. */
	upstream: "network" | null;
	/** Told what happens, for logs. */
	onEvent?: (event: ProxyEvent) => void;
}

export interface RunningProxy {
	/** Where it listens. */
	readonly host: string;
	readonly port: number;
	/**
	 * Accepts nothing more, gives exchanges under way `graceMs` milliseconds to end (500 unless given), and brings those still open to
	 * the sink as they are.
	 */
	close(options?: { graceMs?: number }): Promise<void>;
}

/** What the proxy keeps track of. */
interface Open {
	drain(): void;
	stop(): void;
}

/**
 * Starts a proxy; resolves when it accepts connections.
 * @throws FlowtapeError FT_PORT, FT_BAD_OPTION
 */
export async function startProxy(setup: ProxySetup): Promise<RunningProxy> {
	const proxy = new ForwardProxy(setup);
	await proxy.listen();
	return proxy;
}

class ForwardProxy implements RunningProxy {
	host = "";
	port = 0;
	readonly #setup: ProxySetup;
	readonly #server: Server;
	readonly #context: ProxyContext;
	readonly #pool: UpstreamPool | null;
	readonly #open = new Set<Open>();
	#onEmpty: (() => void) | null = null;
	#closing: Promise<void> | null = null;

	constructor(setup: ProxySetup) {
		const { options: values, pipeline, sink } = setup;
		this.#setup = setup;
		this.#pool = setup.upstream === null ? null : new UpstreamPool(values, (socket) => this.#isOwn(socket));
		this.#context = new ProxyContext({
			pipeline,
			sink,
			pool: this.#pool,
			onEvent: setup.onEvent ?? (() => {}),
			bodies: new BodyPolicy(values),
			lenient: !values.validate_inbound_headers,
			timeoutMs: values.tcp_timeout * 1000,
			websocket: values.websocket,
			recordTcp: values.record_tcp,
		});
		if (this.#pool !== null) this.#pool.onDial = (destination) => this.#context.emit({ kind: "egress", destination });
		this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
	}

	async listen(): Promise<void> {
		const { listen_host: host, listen_port: port } = this.#setup.options;
		await new Promise<void>((resolve, reject) => {
			this.#server.once("error", (error) => reject(listenFault(error, host, port)));
			this.#server.listen({ host, port, backlog: 1024 }, resolve);
		});
		const address = this.#server.address() as AddressInfo;
		this.host = address.address;
		this.port = address.port;
		this.#context.emit({ kind: "listening", host: this.host, port: this.port });
	}

	close({ graceMs = 500 } = {}): Promise<void> {
		this.#closing ??= this.#close(graceMs);
		return this.#closing;
	}

	async #close(graceMs: number): Promise<void> {
		const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
		for (const one of this.#open) one.drain();
		await this.#emptyWithin(graceMs);
		for (const one of this.#open) one.stop();
		this.#pool?.close();
		await this.#context.settled();
		await closed;
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

	#accept(socket: Socket): void {
		socket.on("error", () => {});
		if (socket.destroyed) return;
		const facts = clientFacts(socket);
		const context = this.#context;
		const connection: ClientConnection = new ClientConnection(socket, {
			context,
			facts,
			tunnel: null,
			onClose: this.#forget,
			onHttp2: null,
			onConnect: (accepted, head) => {
				const tunnel: Tunnel = new Tunnel(accepted, head, {
					context,
					values: this.#setup.options,
					authority: this.#setup.authority,
					facts,
					onClose: this.#forget,
					onHttp: (inner, target) => this.#serve(inner, facts, target),
				});
				this.#open.add(tunnel);
			},
		});
		this.#open.add(connection);
	}

	/** HTTP in a tunnel, in the version that the client chose, or begins with. */
	#serve(socket: Socket, facts: ClientFacts, tunnel: TunnelTarget): void {
		const settings = { context: this.#context, facts, tunnel, onClose: this.#forget };
		const onHttp2 = (accepted: Socket) => this.#open.add(new ClientHttp2(accepted, settings));
		if (facts.alpn === "h2") onHttp2(socket);
		else this.#open.add(new ClientConnection(socket, { ...settings, onConnect: null, onHttp2: this.#setup.options.http2 ? onHttp2 : null }));
	}

	readonly #forget = (one: Open): void => {
		this.#open.delete(one);
		if (this.#open.size === 0) this.#onEmpty?.();
	};

	/** Whether a socket that was connected to a server leads back to this proxy. */
	#isOwn(socket: Socket): boolean {
		if (socket.remotePort !== this.port) return false;
		const bare = (address: string | undefined) => (address ?? "").replace(/^::ffff:(?=\d+\.)/, "");
		const remote = bare(socket.remoteAddress);
		const listening = bare(this.host);
		return remote === listening || ((listening === "0.0.0.0" || listening === "::") && remote === bare(socket.localAddress));
	}
}

function listenFault(error: Error, host: string, port: number): FlowtapeError {
	const where = formatAuthority(host, port);
	const why = hasErrno(error, "EADDRINUSE")
		? "is taken by another process; choose another port with --listen-port, 0 picks a free one"
		: hasErrno(error, "EADDRNOTAVAIL", "ENOTFOUND")
			? "is no address of this machine"
			: hasErrno(error, "EACCES")
				? "is not open to this user; ports above 1023 are"
				: error.message;
	return new FlowtapeError("FT_PORT", `cannot listen on ${where}: ${why}`, { cause: error });
}
