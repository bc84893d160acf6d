// One HTTP/2 connection of a client, plain or out of TLS: every stream of it is an exchange.
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { ProxyContext } from "../context/context.ts";
import { http2, sessionOptions, sessionSettings, setLocalWindow } from "../http2/module.ts";
import type { TunnelTarget } from "../route/target.ts";
import { ClientStream } from "./http2-stream.ts";

export interface ClientHttp2Settings {
	context: ProxyContext;
	facts: ClientFacts;
	/** The tunnel that the connection came through. */
	tunnel: TunnelTarget | null;
	onClose: (connection: ClientHttp2) => void;
}

const MAX_STREAMS = 256;

export class ClientHttp2 {
	readonly #socket: Socket;
	readonly #session: ServerHttp2Session;
	readonly #settings: ClientHttp2Settings;
	readonly #streams = new Set<ClientStream>();
	#held: Promise<void> | null = null;

	/** The socket has not been read since it was accepted, or since its TLS was set up. */
	constructor(socket: Socket, settings: ClientHttp2Settings) {
		this.#socket = socket;
		this.#settings = settings;
		const { context } = settings;
		// Node would wait for an event that only its own servers emit.
		if ("secureConnecting" in socket) socket.secureConnecting = false;
		const session = http2().performServerHandshake(socket, {
			...sessionOptions,
			settings: { ...sessionSettings, maxConcurrentStreams: MAX_STREAMS, enableConnectProtocol: true },
		});
		this.#session = session;
		setLocalWindow(session);
		session.on("stream", (stream, headers, flags, raw: string[] = []) => this.#onStream(stream, headers, flags, raw));
		session.on("error", (error) => this.#onError(error));
		session.on("close", () => this.#onClose());
		socket.on("error", () => {});
		// Not as the callback of setTimeout, which is called once only.
		session.on("timeout", () => this.#onTimeout());
		session.setTimeout(context.timeoutMs);
	}

	/** The proxy ends: no further stream is accepted. */
	drain(): void {
		this.#session.close();
	}

	/** Ends at once; requests still open go to the tape. */
	stop(): void {
		for (const stream of this.#streams) stream.stop();
		this.#session.destroy();
		// The session itself would wait for the client to hang up.
		this.#socket.destroy();
	}

	#onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]): void {
		const { context, facts, tunnel } = this.#settings;
		const one: ClientStream = new ClientStream(stream, {
			context,
			facts,
			tunnel,
			onDone: (wait) => this.#hold(wait),
			onClose: () => this.#streams.delete(one),
		});
		this.#streams.add(one);
		if (this.#held === null) one.start(headers, flags, raw);
		else context.track(this.#held.then(() => one.start(headers, flags, raw)));
	}

	/** No stream starts before `wait` resolves: the tape is slower than the traffic. */
	#hold(wait: Promise<void> | undefined): void {
		if (wait === undefined) return;
		this.#held = wait;
		const release = () => {
			if (this.#held === wait) this.#held = null;
		};
		void wait.then(release);
	}

	#onError(error: Error): void {
		// A client that breaks off is told of by its exchanges, if there are any.
		if (!("code" in error) || !String(error.code).startsWith("ERR_HTTP2")) return;
		const [host, port] = this.#settings.facts.peername ?? ["?", 0];
		this.#settings.context.emit({ kind: "client_error", message: error.message, client: formatAuthority(host, port) });
	}

	#onClose(): void {
		this.#settings.facts.timestampEnd = now();
		this.#settings.onClose(this);
	}

	/** While a server is asked, its own timeout counts. */
	#onTimeout(): void {
		if (this.#streams.size === 0) this.#session.close();
	}
}
