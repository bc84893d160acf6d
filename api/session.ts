// A session of a proxy. It has a port, an order of recordings and a report of its own.
import type { Listening } from "../src/proxy/server.ts";
import { listenerUrl } from "./listener-url.ts";
import type { LiveSession } from "./live.ts";
import type { RunReport } from "./run-events.ts";

/** The counts of a session. */
export interface SessionReport extends Pick<RunReport, "served" | "missed" | "egress"> {
	/** Recordings of the session that it has not used; if there are none of the session, of all recordings. */
	readonly unused: number;
}

/** An open session. Its clients are those of its port. */
export interface Session extends AsyncDisposable {
	/** The name with which its flows are recorded. */
	readonly name: string;
	/** The address of its port: `http://127.0.0.1:41234`. */
	readonly url: URL;
	/** As `Proxy.env`, for a child process that belongs to the session. */
	env(base?: NodeJS.ProcessEnv): Record<string, string>;
	/**
	 * Closes the port, and gives exchanges in progress half a second to end. Resolves to the report; further calls return
	 * the same promise. If the name is used again, the order of recordings begins anew.
	 */
	close(): Promise<SessionReport>;
}

/** How a session depends on its proxy. */
interface SessionOwner {
	/** The environment for a child process that uses a listener. */
	env(base: NodeJS.ProcessEnv, listener: Listening): Record<string, string>;
	onClosed(): void;
}

export class OpenSession implements Session {
	readonly name: string;
	readonly url: URL;
	readonly #live: LiveSession;
	readonly #owner: SessionOwner;
	#closing: Promise<SessionReport> | null = null;

	constructor(name: string, live: LiveSession, owner: SessionOwner) {
		this.name = name;
		this.url = listenerUrl(live.listener);
		this.#live = live;
		this.#owner = owner;
	}

	env(base: NodeJS.ProcessEnv = {}): Record<string, string> {
		return this.#owner.env(base, this.#live.listener);
	}

	close(): Promise<SessionReport> {
		this.#closing ??= this.#live.close().finally(() => this.#owner.onClosed());
		return this.#closing;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}
