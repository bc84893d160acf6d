// A client's connection to a SOCKS 5 port: performs the handshake, then hands the socket over as a tunnel.
import type { Socket } from "node:net";
import type { TunnelTarget } from "../route/target.ts";
import {
	granted,
	loginAccepted,
	loginRefused,
	readGreeting,
	readLogin,
	readRequest,
	type Socks5Message,
} from "./socks5-messages.ts";

export interface Socks5Settings {
	/** Checks user and password; null: no login is required. */
	login: ((user: string, password: string) => Promise<boolean>) | null;
	/** Idle timeout in milliseconds; 0: none. */
	timeoutMs: number;
	/** Takes over the paused socket. */
	onTunnel: (socket: Socket, target: TunnelTarget) => void;
	/** The client was refused. */
	onRefused: (reason: string) => void;
	/** The connection was closed or handed over. */
	onClose: (connection: Socks5Connection) => void;
}

export class Socks5Connection {
	readonly #socket: Socket;
	readonly #settings: Socks5Settings;
	#bytes: Buffer = Buffer.alloc(0);
	/** Parses the next message; null: no message is expected. */
	#expected: ((bytes: Buffer) => Socks5Message | null) | null;

	constructor(socket: Socket, settings: Socks5Settings) {
		this.#socket = socket;
		this.#settings = settings;
		this.#expected = (bytes) => readGreeting(bytes, settings.login !== null);
		socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
		if (settings.timeoutMs > 0) socket.setTimeout(settings.timeoutMs, this.#onTimeout);
	}

	/** Closes at once: without a tunnel there is nothing to wait for. */
	drain(): void {
		this.stop();
	}

	stop(): void {
		this.#socket.destroy();
	}

	readonly #onData = (chunk: Buffer): void => {
		if (this.#expected === null) return;
		this.#bytes = Buffer.concat([this.#bytes, chunk]);
		this.#read();
	};

	readonly #onEnd = (): void => {
		this.#socket.end();
	};

	readonly #onTimeout = (): void => {
		this.#socket.destroy();
	};

	readonly #onClose = (): void => {
		this.#settings.onClose(this);
	};

	#read(): void {
		const message = this.#expected?.(this.#bytes) ?? null;
		if (message === null) return;
		if (message.kind === "refused") {
			this.#refuse(message.reason, message.reply);
			return;
		}
		this.#bytes = this.#bytes.subarray(message.size);
		if (message.kind === "greeting")
			this.#expect(message.reply, this.#settings.login === null ? readRequest : readLogin);
		else if (message.kind === "login") this.#check(message.user, message.password);
		else this.#handOver(message.target);
	}

	#expect(reply: Buffer, next: (bytes: Buffer) => Socks5Message | null): void {
		this.#expected = next;
		this.#socket.write(reply);
		this.#read();
	}

	#check(user: string, password: string): void {
		this.#expected = null;
		this.#socket.pause();
		const decided = (isAdmitted: boolean) => {
			this.#socket.resume();
			if (isAdmitted) this.#expect(loginAccepted, readRequest);
			else this.#refuse("wrong user or password", loginRefused);
		};
		this.#settings.login?.(user, password).then(decided, () => decided(false));
	}

	/**
	 * Grants the tunnel before the proxy connects to the server: with HTTP in the tunnel, a failure to connect becomes an
	 * error response, which is recorded.
	 */
	#handOver(target: TunnelTarget): void {
		const socket = this.#socket;
		this.#expected = null;
		socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd);
		socket.removeListener("close", this.#onClose).removeListener("timeout", this.#onTimeout);
		socket.setTimeout(0);
		socket.pause();
		if (this.#bytes.length > 0) socket.unshift(this.#bytes);
		socket.write(granted);
		this.#settings.onClose(this);
		this.#settings.onTunnel(socket, target);
	}

	#refuse(reason: string, reply: Buffer): void {
		this.#expected = null;
		this.#settings.onRefused(reason);
		this.#socket.end(reply);
	}
}
