// TLS between a client and the proxy itself, for a client that begins with it where others speak HTTP in the clear.
import type { Socket } from "node:net";
import type { LeafIssuer } from "../../ca/authority.ts";
import type { Leaf } from "../../ca/leaf-contexts.ts";
import type { ClientConnection as ClientFacts } from "../../flow/connection.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { TlsEventName } from "../../hooks/connection-hooks.ts";
import { after } from "../../maybe-async.ts";
import { serverOfNoName } from "../connection/facts.ts";
import type { ProxyContext } from "../context/context.ts";
import { HANDSHAKE_MS, shakeHands } from "../tls/client-handshake.ts";
import { type ClientHello, sniff } from "../tls/client-hello.ts";

export interface ProxyTlsSettings {
	context: ProxyContext;
	authority: LeafIssuer;
	facts: ClientFacts;
	/** Takes over the socket, to be read in the clear. */
	onSecure: (socket: Socket) => void;
	/** The connection is over, or somebody else's. */
	onClose: (one: ProxyTls) => void;
}

/** What is spoken inside (RFC 7301 section 3.1). */
const HTTP1 = Buffer.from("\x08http/1.1");

export class ProxyTls {
	readonly #socket: Socket;
	readonly #settings: ProxyTlsSettings;
	#bytes: Buffer = Buffer.alloc(0);

	/** The socket is paused or new; its hello is still to be read. */
	constructor(socket: Socket, settings: ProxyTlsSettings) {
		this.#socket = socket;
		this.#settings = settings;
		socket.on("close", this.#onClose).on("data", this.#onData).on("end", this.stop).setTimeout(HANDSHAKE_MS, this.stop);
		socket.resume();
	}

	/** The proxy ends; nothing was asked yet. */
	drain(): void {
		this.stop();
	}

	readonly stop = (): void => void this.#socket.destroy();

	readonly #onClose = (): void => this.#settings.onClose(this);

	readonly #onData = (chunk: Buffer): void => {
		this.#bytes = Buffer.concat([this.#bytes, chunk]);
		const hello = sniff(this.#bytes);
		if (hello === "more") return;
		this.#release();
		if (typeof hello === "string") this.#failed("what it sent first is neither HTTP nor the beginning of TLS");
		else this.#issue(hello);
	};

	/** The socket as if nothing had been read from it. */
	#release(): void {
		this.#socket.pause();
		this.#socket.removeListener("data", this.#onData).removeListener("end", this.stop).removeListener("timeout", this.stop).setTimeout(0);
		this.#socket.unshift(this.#bytes);
	}

	/** For the name that the client knows the proxy by, and for the address that it came to. */
	#issue(hello: ClientHello): void {
		const { authority, facts } = this.#settings;
		const [host] = facts.sockname ?? ["localhost"];
		const issued = authority.leafFor({ sni: hello.serverName, host });
		const shake = (leaf: Leaf) => this.#shake(hello, leaf);
		if (issued instanceof Promise) issued.then(shake, this.stop);
		else shake(issued);
	}

	#shake(hello: ClientHello, leaf: Leaf): void {
		const { context, facts, onSecure } = this.#settings;
		const tell = (name: TlsEventName) => context.events?.tls(name, { conn: facts, context: { client: facts, server: serverOfNoName() } });
		void after(tell("tls_start_client"), () => {
			if (this.#socket.destroyed) return;
			const secured = shakeHands(this.#socket, { hello, leaf, protocols: HTTP1, facts }, (failure) => {
				if (failure === null) void after(tell("tls_established_client"), () => this.#handOver(secured, onSecure));
				else {
					this.#failed(`${failure}; does it trust the certificate authority? (flowtape ca export)`);
					facts.error = failure;
					const wait = tell("tls_failed_client");
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
		const { context, facts } = this.#settings;
		const client = formatAuthority(...((facts.peername ?? ["?", 0]) as [string, number]));
		context.emit({ kind: "client_error", message: `no TLS between the client and the proxy: ${why}`, client });
		this.stop();
	}
}
