// A port that the proxy listens on.
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { FlowtapeError, hasErrno } from "../../errors.ts";
import { formatAuthority } from "../../flow/url.ts";
import { withoutMapping } from "../connection/connection-info.ts";
import { noteAccepted } from "../connection/fair-reader.ts";
import type { ProxyMode } from "../route/modes.ts";

export class Listener {
	readonly mode: ProxyMode;
	/** The address it is bound to; empty until `listen` has resolved. */
	host = "";
	port = 0;
	readonly #server: Server;

	constructor(mode: ProxyMode, onSocket: (socket: Socket) => void) {
		this.mode = mode;
		this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
			noteAccepted();
			onSocket(socket);
		});
	}

	/** @throws FlowtapeError FT_PORT */
	async listen(): Promise<void> {
		const { host, port } = this.mode.listen;
		await new Promise<void>((resolve, reject) => {
			// Not `once`: a later error is a connection that could not be accepted, after which the server goes on.
			this.#server.on("error", (error) => reject(listenFault(error, host, port)));
			this.#server.listen({ host, port, backlog: 1024 }, resolve);
		});
		const address = this.#server.address() as AddressInfo;
		this.host = address.address;
		this.port = address.port;
	}

	/** Stops accepting connections; resolves when the accepted ones are closed. */
	close(): Promise<void> {
		return new Promise((resolve) => this.#server.close(() => resolve()));
	}

	/** Whether an outgoing socket is connected to this listener. */
	isReachedBy(socket: Socket): boolean {
		if (socket.remotePort !== this.port) return false;
		const remote = withoutMapping(socket.remoteAddress ?? "");
		return (
			remote === withoutMapping(this.host) ||
			(this.#isEverywhere && remote === withoutMapping(socket.localAddress ?? ""))
		);
	}

	/** Whether a URL with this host and port leads to this listener, as far as can be decided without DNS. */
	isNamedBy(host: string, port: number): boolean {
		if (port !== this.port) return false;
		const isLoopback = LOOPBACK.test(this.host) || this.#isEverywhere;
		return (
			withoutMapping(host) === withoutMapping(this.host) ||
			(isLoopback && (LOOPBACK.test(host) || host === "localhost"))
		);
	}

	get #isEverywhere(): boolean {
		return this.host === "0.0.0.0" || this.host === "::";
	}
}

const LOOPBACK = /^(?:127\.|::1$)/;

function listenFault(error: Error, host: string, port: number): FlowtapeError {
	const where = formatAuthority(host, port);
	const why = hasErrno(error, "EADDRINUSE")
		? "is in use by another process; choose another port with --listen-port (0 picks a free one)"
		: hasErrno(error, "EADDRNOTAVAIL", "ENOTFOUND")
			? "is not an address of this machine"
			: hasErrno(error, "EACCES")
				? "needs more privileges; choose a port above 1023"
				: error.message;
	return new FlowtapeError("FT_PORT", `cannot listen on ${where}: ${why}`, { cause: error });
}
