// The handle of a running proxy: its address, certificate authority, events and end. `record`, `replayServer` and `run`
// start one.
import type { Format } from "../formats/index.ts";
import type { OwnServers } from "../src/child/own-servers.ts";
import { FlowtapeError } from "../src/errors.ts";
import { isSession, SESSION_LIMIT } from "../src/flow/session.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { Listening } from "../src/proxy/server.ts";
import { listenerUrl } from "./listener-url.ts";
import type { LiveProxy, LiveSetup } from "./live.ts";
import { EVENT_KINDS, type ProxyEvent, type ProxyEvents, RunEvents, type RunReport } from "./run-events.ts";
import { OpenSession, type Session } from "./session.ts";
import type { FormatName } from "./tape.ts";
import type { TroubleOptions } from "./trouble.ts";

/** Options of every function that starts a proxy. */
export interface ProxyOptions extends TroubleOptions {
	/** Port to listen on; default 0: the system picks a free one. */
	readonly port?: number | undefined;
	/** Address to listen on; default 127.0.0.1. */
	readonly host?: string | undefined;
	/**
	 * The certificate authority: `ephemeral` (default) creates one for this proxy and deletes it at the end. Otherwise
	 * the folder of an authority, which is created if missing. `flowtape ca path` prints the folder that the command line
	 * uses, by default `~/.config/flowtape`.
	 */
	readonly ca?: "ephemeral" | (string & {}) | undefined;
	/** Hooks, made by `defineHook`; they run after those of scripts. Default: none. */
	readonly hooks?: readonly Hook[] | undefined;
	/** Custom formats, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
	/**
	 * Environment variables: upstream proxies (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), and for redaction those that
	 * `rewrite` reads. Default: none. Pass `process.env` to use those of this process.
	 */
	readonly env?: NodeJS.ProcessEnv | undefined;
	/** Closes the proxy when it is aborted. */
	readonly signal?: AbortSignal | undefined;
}

/** Options of the proxy's table that programs give by other names. */
export const RENAMED = { listen_port: "port", listen_host: "host" } as const;

/** The names of `ProxyOptions` that are not in the proxy's table. */
export const proxyOptionNames: readonly (keyof ProxyOptions)[] = [
	"ca",
	"hooks",
	"formats",
	"env",
	"signal",
	"strict",
	"onTrouble",
];

/** A proxy that accepts connections. */
export interface ProxyHandle extends AsyncDisposable {
	/** The address of its first listener: `http://127.0.0.1:41234`, or `socks5://…`. */
	readonly url: URL;
	/** The certificate authority, which clients must trust. */
	readonly ca: {
		/** Its certificate in PEM. */
		readonly pem: string;
		/** SHA-256 of its public key in base64, for Chromium's `--ignore-certificate-errors-spki-list`. */
		readonly pin: string;
		/** Path of the certificate file. The file of an ephemeral authority is deleted when the proxy is closed. */
		readonly file: string;
	};
	/**
	 * Returns the environment for a child process that uses the proxy and trusts its authority, with variables for curl,
	 * Python, Node, Java and others. Writes the certificate files that the variables refer to beside the authority.
	 * @param base the environment to extend, such as `process.env`; default: empty
	 * @throws FlowtapeError FT_CA if the files cannot be written
	 */
	env(base?: NodeJS.ProcessEnv): Record<string, string>;
	/**
	 * Adds a listener for an event and returns a function that removes it. If a listener throws or rejects, an `error`
	 * event is emitted.
	 */
	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void;
	/**
	 * All events from now on, until the proxy is closed or the signal is aborted. Unread events are queued in memory
	 * without limit.
	 */
	events(signal?: AbortSignal): AsyncIterable<ProxyEvent>;
	/**
	 * Opens a session, such as that of a test: a port whose clients belong to it. Its flows are recorded with its name. In
	 * a replay, it has its own order of recordings.
	 * @param name at most 128 bytes; default: `session-1`, `session-2` and so on, in the order of the calls
	 * @throws FlowtapeError FT_USAGE if the name is invalid, a session of this name is open or the proxy is closed, FT_PORT
	 */
	openSession(name?: string): Promise<Session>;
	/**
	 * Closes the proxy and its sessions: accepts no more connections, gives exchanges in progress half a second to end,
	 * and writes all flows to the tape. Resolves to the report; further calls return the same promise.
	 * @throws FlowtapeError FT_IO if the tape cannot be completed
	 */
	close(): Promise<RunReport>;
}

/** The settings of a proxy that depend on the function that starts it. */
export interface ProxyJob
	extends Pick<
		LiveSetup,
		"values" | "output" | "joins" | "recordings" | "network" | "durable" | "wording" | "keeps" | "passes" | "onUnused"
	> {
	format?: FormatName | undefined;
	/** Whether NO_PROXY is kept in the child's environment; default: no. */
	keepsBypass?: boolean;
	/** The servers of the command that runs behind the proxy; null or undefined: they are treated like other servers. */
	own?: OwnServers | null;
}

/**
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT,
 * FT_CORRUPT_FLOW for damaged recordings
 */
export async function startProxy(job: ProxyJob, options: ProxyOptions): Promise<StartedProxy> {
	const { ca = "ephemeral", hooks = [], formats, env = {}, signal } = options;
	signal?.throwIfAborted();
	const { openCaFolder } = await import("./authority-folder.ts");
	const { proxyEnvironment } = await import("./child-environment.ts");
	const { startLive } = await import("./live.ts");
	const caFolder = await openCaFolder(ca, {});
	try {
		const events = new RunEvents(options);
		const live = await startLive({
			...job,
			hooks,
			formats,
			env,
			home: caFolder.folder,
			isEphemeral: caFolder.isEphemeral,
			wantsFlows: false,
			...events.listeners,
		});
		const proxy = new StartedProxy(live, events, {
			childEnvironment: (base, listeners) =>
				proxyEnvironment({ authority: live.authority, listeners }, caFolder.folder, base, {
					...job,
					proxyauth: job.values.proxyauth,
				}),
			release: () => caFolder.close(),
		});
		if (signal !== undefined) proxy.closeOn(signal);
		return proxy;
	} catch (error) {
		await caFolder.close();
		throw error;
	}
}

/** The resources outside of the proxy: the child's environment and the authority's folder. */
interface ProxyResources {
	childEnvironment(base: NodeJS.ProcessEnv, listeners: LiveProxy["listeners"]): Record<string, string>;
	release(): Promise<void>;
}

export class StartedProxy implements ProxyHandle {
	readonly url: URL;
	readonly ca: ProxyHandle["ca"];
	readonly #live: LiveProxy;
	readonly #events: RunEvents;
	readonly #resources: ProxyResources;
	readonly #sessions = new Map<string, Promise<OpenSession>>();
	/** Number of sessions that were opened without a name. */
	#unnamed = 0;
	#closing: Promise<RunReport> | null = null;

	constructor(live: LiveProxy, events: RunEvents, resources: ProxyResources) {
		const [first] = live.listeners as [Listening];
		this.url = listenerUrl(first);
		this.ca = { pem: live.authority.certificatePem, pin: live.authority.pin, file: live.authority.certificateFile };
		this.#live = live;
		this.#events = events;
		this.#resources = resources;
		events.onFlowsWanted = () => live.watchFlows();
		events.isStarted = true;
	}

	/** When the first replayed request was recorded, in seconds since 1970; null if there are no recordings. */
	get recordedAt(): number | null {
		return this.#live.recordedAt;
	}

	env(base: NodeJS.ProcessEnv = {}): Record<string, string> {
		return this.#resources.childEnvironment(base, this.#live.listeners);
	}

	async openSession(name = `session-${++this.#unnamed}`): Promise<Session> {
		if (this.#closing !== null) throw new FlowtapeError("FT_USAGE", "openSession: the proxy is closed");
		if (!isSession(name))
			throw new FlowtapeError(
				"FT_USAGE",
				`openSession: expected a name of 1 to ${SESSION_LIMIT} bytes, found ${Buffer.byteLength(name)}`,
			);
		if (this.#sessions.has(name))
			throw new FlowtapeError("FT_USAGE", `openSession: the session ${JSON.stringify(name)} is open already`);
		const opening = this.#live.openSession(name).then(
			(live) =>
				new OpenSession(name, live, {
					env: (base, listener) => this.#resources.childEnvironment(base, [listener]),
					onClosed: () => this.#sessions.delete(name),
				}),
		);
		this.#sessions.set(name, opening);
		opening.catch(() => this.#sessions.delete(name));
		return opening;
	}

	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void {
		return this.#events.emitter.on(event, listener);
	}

	events(signal?: AbortSignal): AsyncIterable<ProxyEvent> {
		return this.#events.emitter.events(signal);
	}

	/** Listens to all events. */
	onAny(listener: (event: ProxyEvent) => unknown): void {
		for (const kind of EVENT_KINDS) this.on(kind, (value) => listener({ kind, value } as ProxyEvent));
	}

	/** Closes the proxy when the signal is aborted. If that fails, the next call of `close` throws the error. */
	closeOn(signal: AbortSignal): void {
		const stop = () => void this.close().catch(() => {});
		if (signal.aborted) stop();
		else signal.addEventListener("abort", stop, { once: true });
		this.#events.onClosed = () => signal.removeEventListener("abort", stop);
	}

	close(): Promise<RunReport> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	async #close(): Promise<RunReport> {
		try {
			await Promise.allSettled([...this.#sessions.values()].map(async (opening) => (await opening).close()));
			return this.#events.reportOf(await this.#live.close());
		} finally {
			await this.#resources.release();
			this.#events.end();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}
