// Reports clients that do not trust the certificate authority, once for each host.
import type { Socket } from "node:net";

/** A client that closes an unused connection within this time has probably refused the certificate. Milliseconds. */
const UNUSED_CLOSE_MS = 5000;
/** Maximum number of hosts that are remembered. */
const MAX_HOSTS = 1000;

/** The alerts of a client that does not trust our certificate (RFC 8446 section 6.2), in OpenSSL's words. */
const REJECTION_ALERT =
	/alert (?:unknown ca|bad certificate|certificate unknown|unsupported certificate|access denied)/;
export const CLOSED = "it closed the connection during the handshake";
const ADVICE = '"flowtape ca trust" shows how to make systems and programs trust it';

export interface HandshakeFailure {
	readonly message: string;
	/**
	 * The sign that the client does not trust the authority: an alert, or a closed connection. null: the reason is
	 * another one.
	 */
	readonly refusal: "alert" | "close" | null;
}

/**
 * Describes why a handshake with a client failed.
 * @param why Node's error message, or `CLOSED`
 */
export function handshakeFailure(host: string, why: string): HandshakeFailure {
	// `…:error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca:../deps/…`
	const reason = /SSL routines:[^:]*:([^:]+)/.exec(why)?.[1] ?? why;
	if (REJECTION_ALERT.test(reason))
		return {
			message: `a client does not trust the certificate authority, and refused the certificate for ${host} (${reason}); ${ADVICE}`,
			refusal: "alert",
		};
	if (why === CLOSED || /ECONNRESET/.test(why))
		return {
			message: `a client closed its connection for ${host} during the TLS handshake: it probably does not trust the certificate authority; ${ADVICE}`,
			refusal: "close",
		};
	return { message: `the TLS handshake with a client for ${host} failed: ${reason}`, refusal: null };
}

/** The message about a client that closed right after the handshake. */
export function silentClose(host: string): string {
	return `a client closed its connection for ${host} right after the TLS handshake, without a request: it probably does not trust the certificate authority; ${ADVICE}`;
}

/**
 * Watches the TLS connections of clients, by host. A connection that was used shows that the client trusts the
 * authority.
 */
export class ClientTrust {
	/** Whether the proxy itself closes the connections. */
	isClosing = false;
	readonly #reported = new Set<string>();
	readonly #trusted = new Set<string>();
	readonly #open = new Map<string, Set<Socket>>();

	/**
	 * Calls `report`, once for each host, if the client closes this connection right after its TLS handshake, and has
	 * sent nothing on any connection for the host. Node's client checks the certificate only after the handshake.
	 */
	watch(host: string, secured: Socket, report: () => void): void {
		const began = performance.now();
		const open = this.#open.get(host) ?? new Set();
		this.#open.set(host, open.add(secured));
		secured.once("close", () => {
			open.delete(secured);
			if (open.size === 0) this.#open.delete(host);
			if (secured.bytesRead > 0) remember(this.#trusted, host);
			else if (performance.now() - began < UNUSED_CLOSE_MS && this.isSuspect(host)) report();
		});
	}

	/** Whether to report that a client refused the certificate for this host: true only for the first call. */
	isFirst(host: string): boolean {
		return !this.#reported.has(host) && remember(this.#reported, host);
	}

	/**
	 * Whether to report that a client closed a connection for this host. False if a client has used a connection for this
	 * host, as the close then has another reason, if the proxy is closing, or if the host was reported before.
	 */
	isSuspect(host: string): boolean {
		const open = this.#open.get(host) ?? [];
		const isTrusted = this.#trusted.has(host) || [...open].some(({ bytesRead }) => bytesRead > 0);
		return !this.isClosing && !isTrusted && this.isFirst(host);
	}
}

function remember(hosts: Set<string>, host: string): true {
	if (hosts.size >= MAX_HOSTS) hosts.clear();
	hosts.add(host);
	return true;
}
