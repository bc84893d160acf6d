// TLS between a client and the proxy itself, for clients that connect to an HTTP port with TLS (`https://` proxies).
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { TlsEventName } from "../../hooks/connection-hooks.ts";
import { after } from "../../maybe-async.ts";
import { clientAddress, unnamedServerConnection } from "../connection/connection-info.ts";
import { startInTurn } from "../connection/fair-reader.ts";
import { HeldHeads, TOO_MUCH } from "../connection/held-heads.ts";
import type { ProxyContext } from "../context/context.ts";
import { acceptTls, HANDSHAKE_MS, HTTP1_ONLY } from "../tls/client-handshake.ts";
import { type ClientHello, Sniffer } from "../tls/client-hello.ts";

export interface ProxyTlsSettings {
	context: ProxyContext;
	authority: LeafIssuer;
	clientConn: ClientConnection;
	/** Takes over the decrypted socket. */
	onSecure: (socket: Socket) => void;
	/** The connection was closed or handed over. */
	onClose: (connection: ProxyTls) => void;
}

export class ProxyTls {
	readonly #socket: Socket;
	readonly #settings: ProxyTlsSettings;
	readonly #sniffer = new Sniffer();
	readonly #head = new HeldHeads();

	/** @param socket paused or new, with its ClientHello unread */
	constructor(socket: Socket, settings: ProxyTlsSettings) {
		this.#socket = socket;
		this.#settings = settings;
		socket.on("close", this.#onClose).on("data", this.#onData).on("end", this.stop).setTimeout(HANDSHAKE_MS, this.stop);
		socket.resume();
	}

	/** Closes at once: there is no request to wait for. */
	drain(): void {
		this.stop();
	}

	readonly stop = (): void => void this.#socket.destroy();

	readonly #onClose = (): void => {
		this.#head.resize(0);
		this.#settings.onClose(this);
	};

	readonly #onData = (chunk: Buffer): void => {
		const hello = this.#sniffer.add(chunk);
		if (hello === "more") {
			if (!this.#head.resize(this.#sniffer.bytes.length))
				this.#failed(`its ClientHello is not complete, and ${TOO_MUCH}`);
			return;
		}
		this.#release();
		if (typeof hello === "string") this.#failed("its first bytes are neither HTTP nor a TLS ClientHello");
		else startInTurn(clientAddress(this.#settings.clientConn), "", () => this.#socket.destroyed || this.#issue(hello));
	};

	/** Pauses the socket and puts its bytes back. */
	#release(): void {
		this.#socket.pause();
		this.#socket
			.removeListener("data", this.#onData)
			.removeListener("end", this.stop)
			.removeListener("timeout", this.stop)
			.setTimeout(0);
		this.#head.resize(0);
		this.#socket.unshift(this.#sniffer.bytes);
	}

	/** Issues a leaf for the client's SNI and for the address that the client connected to. */
	#issue(hello: ClientHello): void {
		const { authority, clientConn } = this.#settings;
		const [host] = clientConn.sockname ?? ["localhost"];
		this.#handshake(hello, authority.leafFor({ sni: hello.serverName, host }));
	}

	#handshake(hello: ClientHello, leaf: Leaf): void {
		const { context, clientConn, onSecure } = this.#settings;
		const runHooks = (name: TlsEventName) =>
			context.events?.tls(name, {
				conn: clientConn,
				context: { client: clientConn, server: unnamedServerConnection() },
			});
		void after(runHooks("tls_start_client"), () => {
			if (this.#socket.destroyed) return;
			const secured = acceptTls(this.#socket, { hello, leaf, protocols: HTTP1_ONLY, clientConn }, (failure) => {
				if (failure === null) void after(runHooks("tls_established_client"), () => this.#handOver(secured, onSecure));
				else {
					this.#failed(`${failure}; does it trust the certificate authority? (flowtape ca export)`);
					clientConn.error = failure;
					const wait = runHooks("tls_failed_client");
					if (wait !== undefined) context.track(wait);
				}
			});
		});
	}

	#handOver(secured: Socket, onSecure: (socket: Socket) => void): void {
		if (secured.destroyed) return;
		this.#socket.removeListener("close", this.#onClose);
		this.#settings.onClose(this);
		onSecure(secured);
	}

	#failed(why: string): void {
		const { context, clientConn } = this.#settings;
		context.reportClientError(clientConn, `the TLS handshake between client and proxy failed: ${why}`);
		this.stop();
	}
}
