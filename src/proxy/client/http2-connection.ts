// A client's HTTP/2 connection, plain or decrypted: each of its streams is an exchange.
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { now } from "../../clock.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import { exceedsTurn, FairSession, isTurnOver } from "../connection/fair-reader.ts";
import { HeldHeads } from "../connection/held-heads.ts";
import type { ProxyContext } from "../context/context.ts";
import { http2, REFUSED_STREAM, sessionOptions, sessionSettings, setLocalWindow } from "../http2/module.ts";
import type { TunnelTarget } from "../route/target.ts";
import { ClientStream } from "./http2-stream.ts";

export interface Http2ClientSettings {
	context: ProxyContext;
	clientConn: ClientConnection;
	/** The tunnel that the connection came through; null: none. */
	tunnel: TunnelTarget | null;
	onClose: (connection: Http2ClientConnection) => void;
}

const MAX_STREAMS = 256;

/**
 * Upper limit for the heads of all open requests of a connection. Further requests are refused, and the client can send
 * them again. Bytes.
 */
const OPEN_HEADS_BYTES = 4 * 1024 * 1024;
/** When the heads of all connections take too much memory, each connection gets only this share. Bytes. */
const SHARE_BYTES = 64 * 1024;

export class Http2ClientConnection {
	readonly #socket: Socket;
	readonly #session: ServerHttp2Session;
	readonly #settings: Http2ClientSettings;
	readonly #reader: FairSession;
	readonly #streams = new Set<ClientStream>();
	#held: Promise<void> | null = null;
	/** Streams that start in a later turn of the event loop. */
	readonly #late: (() => void)[] = [];
	/** The heads of all open streams. */
	readonly #heads = new HeldHeads(SHARE_BYTES);

	/** @param socket a new connection, or one after its TLS handshake; nothing has been read from it */
	constructor(socket: Socket, settings: Http2ClientSettings) {
		this.#socket = socket;
		this.#settings = settings;
		this.#reader = new FairSession(socket);
		const { context } = settings;
		// Otherwise Node would wait for an event that only its own servers emit.
		if ("secureConnecting" in socket) socket.secureConnecting = false;
		const session = http2().performServerHandshake(socket, {
			...sessionOptions,
			settings: { ...sessionSettings, maxConcurrentStreams: MAX_STREAMS, enableConnectProtocol: true },
		});
		this.#session = session;
		setLocalWindow(session);
		session.on("stream", (stream, headers, flags, raw: string[] = []) =>
			this.#reader.take(() => this.#onStream(stream, headers, flags, raw)),
		);
		session.on("error", (error) => this.#onError(error));
		session.on("close", () => this.#onClose());
		socket.on("error", () => {});
		// A client that has ended its side is gone. After a GOAWAY, Node would wait for the open streams instead.
		socket.once("end", () => session.destroy());
		// A callback given to `setTimeout` would be called only once.
		session.on("timeout", () => this.#onTimeout());
		session.setTimeout(context.timeoutMs);
	}

	/** The proxy is shutting down: accepts no further stream. */
	drain(): void {
		this.#session.close();
	}

	/** Closes at once; exchanges in progress are recorded. */
	stop(): void {
		for (const stream of this.#streams) stream.stop();
		this.#session.destroy();
		// The session itself would wait for the client to close.
		this.#socket.destroy();
	}

	#onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]): void {
		const { context, clientConn, tunnel } = this.#settings;
		const size = raw.reduce((sum, text) => sum + text.length, 0);
		const all = this.#heads.size + size;
		if (all > OPEN_HEADS_BYTES || !this.#heads.resize(all)) {
			stream.on("error", () => {});
			stream.close(REFUSED_STREAM);
			this.#reader.rest();
			return;
		}
		const client: ClientStream = new ClientStream(stream, {
			context,
			clientConn,
			tunnel,
			reader: this.#reader,
			onDone: (wait) => this.#hold(wait),
			onClose: () => {
				if (this.#streams.delete(client)) this.#heads.resize(this.#heads.size - size);
			},
		});
		this.#streams.add(client);
		const start = () => client.start(headers, flags, raw);
		if (this.#held === null) this.#begin(start);
		else context.track(this.#held.then(() => this.#begin(start)));
	}

	/** Starts a stream now, or in a later turn of the event loop if many arrive at once. */
	#begin(start: () => void): void {
		if (this.#late.length === 0 && !isTurnOver()) exceedsTurn(start);
		else if (this.#late.push(start) === 1) this.#settings.context.track(this.#beginLate());
	}

	/**
	 * Starts the waiting streams, at least one in each turn of the event loop, so that every connection makes progress.
	 */
	async #beginLate(): Promise<void> {
		do {
			await new Promise((resolve) => setImmediate(resolve));
			for (let start = this.#late.shift(); start !== undefined && !exceedsTurn(start); start = this.#late.shift());
		} while (this.#late.length > 0);
	}

	/** Starts no stream before `wait` resolves, because the tape is slower than the traffic. */
	#hold(wait: Promise<void> | undefined): void {
		if (wait === undefined) return;
		this.#held = wait;
		const release = () => {
			if (this.#held === wait) this.#held = null;
		};
		void wait.then(release);
	}

	#onError(error: Error): void {
		// The exchanges, if any, report a client that disconnects.
		if (!("code" in error) || !String(error.code).startsWith("ERR_HTTP2")) return;
		this.#settings.context.reportClientError(this.#settings.clientConn, error.message);
	}

	#onClose(): void {
		this.#settings.clientConn.timestampEnd = now();
		this.#settings.onClose(this);
	}

	/** Does nothing while a stream is open: then the timeout of the server's connection applies. */
	#onTimeout(): void {
		if (this.#streams.size === 0) this.#session.close();
	}
}
