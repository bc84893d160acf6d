// A running proxy as programs have it: its address, its authority, its events, its end. `record`, `replayServer` and `run` start one.
import type { Format } from "../formats/index.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Miss, Served } from "../src/hooks/context.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { ProxyEvent as LiveEvent } from "../src/proxy/server.ts";
import { Emitter, type EventOf, errorOf } from "./emitter.ts";
import type { LiveProxy, LiveReport, LiveSetup } from "./live.ts";
import type { FormatName } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

/** What every function that starts a proxy takes, besides options. */
export interface ProxyOptions extends TroubleOptions {
	/** Port to listen on; default 0: a free one. */
	readonly port?: number | undefined;
	/** Address to listen on; default 127.0.0.1. */
	readonly host?: string | undefined;
	/**
	 * The certificate authority: `ephemeral` (default), made for this proxy and gone with it; or the folder of one, which is made there where there is
	 * none. That of the command line is in `~/.config/flowtape`, or where `flowtape ca path` says.
	 */
	readonly ca?: "ephemeral" | (string & {}) | undefined;
	/** Functions on the flows (`defineHook`); they run where scripts do. */
	readonly hooks?: readonly Hook[] | undefined;
	/** Formats of one's own, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
	/** Names the proxies on the way to servers (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); default: there are none. `process.env` is never read unless it is given. */
	readonly env?: NodeJS.ProcessEnv | undefined;
	/** Closes the proxy. */
	readonly signal?: AbortSignal | undefined;
}

/** Events by their names. */
export interface ProxyEvents {
	/** A flow is complete, or has failed (`flow.error`). It is on its way to the tape: do not change it. */
	flow: Flow;
	/** A request that no recording answered. */
	miss: Miss;
	/** A request that a recording answered. */
	served: Served;
	/** A connection to a server is about to be made, to `host:port`. */
	egress: { readonly destination: string };
	/** What is worth knowing, in a line: a client that does not trust the authority, a field that could not be sent. */
	warning: string;
	/** A flow that could not be stored, a recording that is damaged, what a listener threw: the traffic goes on. And what a hook threw: its request is answered by 502. */
	error: Error;
}

/** An event with its name as `kind`, as `events` gives it. */
export type ProxyEvent = EventOf<ProxyEvents>;

/** How a proxy's run ended. */
export interface RunReport {
	/** Flows that are on the tape. */
	readonly recorded: number;
	/** Flows that should be and are not. */
	readonly lost: number;
	/** Requests that recordings answered, and those that none did. */
	readonly served: number;
	readonly missed: number;
	/** Recordings that could have answered and never did. */
	readonly unused: number;
	/** Attempts to reach servers, by `host:port`. */
	readonly egress: ReadonlyMap<string, number>;
	/** What was told as `error`: the first hundred. */
	readonly errors: readonly Error[];
}

/** A proxy that accepts connections. */
export interface ProxyHandle extends AsyncDisposable {
	/** Where it listens, in its first mode: `http://127.0.0.1:41234`. */
	readonly url: URL;
	/** The certificate authority, for clients that are to trust it. */
	readonly ca: {
		/** Its certificate. */
		readonly pem: string;
		/** SHA-256 of its public key in base64, as Chromium's `--ignore-certificate-errors-spki-list` takes it. */
		readonly pin: string;
		/** Path of a file with the certificate, there until the proxy is closed where the authority is ephemeral. */
		readonly file: string;
	};
	/**
	 * The environment of a child process that is to go through the proxy and to trust its authority; variables for curl, Python, Node, Java and others.
	 * Writes the files that variables name beside the authority.
	 * @param base the environment it would have otherwise, such as `process.env`; default: an empty one
	 * @throws FlowtapeError FT_CA when they cannot be written
	 */
	env(base?: NodeJS.ProcessEnv): Record<string, string>;
	/** Listens to an event; what comes back ends that. What a listener throws, or rejects with, is an `error` event. */
	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void;
	/** All events from now on, until the proxy is closed or the signal aborted. They wait in memory until they are asked for. */
	events(signal?: AbortSignal): AsyncIterable<ProxyEvent>;
	/** Accepts nothing more, gives what is under way half a second to end, and brings everything to the tape. Further calls wait for the same end. */
	close(): Promise<RunReport>;
}

/** A field that could not be sent, in words. */
export function leftOutText({ field, of, url }: Extract<LiveEvent, { kind: "left_out" }>): string {
	return `the field ${JSON.stringify(field)} of the ${of} ${of === "request" ? "for" : "of"} ${url} was left out, as HTTP/2 allows no such field`;
}

/** Errors that are kept for the report. */
const KEPT_ERRORS = 100;

/** Where a client on this machine reaches what listens everywhere. */
const ANY: ReadonlyMap<string, string> = new Map([
	["0.0.0.0", "127.0.0.1"],
	["::", "::1"],
]);

/** What is particular to a proxy that is started. */
export interface ProxyJob extends Pick<LiveSetup, "values" | "output" | "recordings" | "network" | "durable" | "flagPrefix" | "keeps"> {
	format?: FormatName | undefined;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT, FT_CORRUPT_FLOW for damaged recordings */
export async function startProxy(job: ProxyJob, options: ProxyOptions): Promise<StartedProxy> {
	const { ca = "ephemeral", hooks = [], formats, env = {}, signal } = options;
	signal?.throwIfAborted();
	const { openCaPlace } = await import("./authority-folder.ts");
	const { childSurroundings } = await import("./child-environment.ts");
	const { startLive } = await import("./live.ts");
	const place = await openCaPlace(ca, {});
	try {
		const events = new RunEvents(options);
		const live = await startLive({ ...job, hooks, formats, env, home: place.folder, wantsFlows: false, ...events.listeners });
		const proxy = new StartedProxy(live, events, {
			surroundings: (base) => childSurroundings(live, place.folder, base, job.values.proxyauth),
			release: () => place.close(),
		});
		if (signal !== undefined) proxy.closeOn(signal);
		return proxy;
	} catch (error) {
		await place.close();
		throw error;
	}
}

/** Makes events of what happens in a proxy. */
class RunEvents {
	readonly emitter: Emitter<ProxyEvents>;
	readonly errors: Error[] = [];
	readonly #troubles: TroubleLog;
	/** Told when somebody wants to hear of each flow. */
	onFlowsWanted: () => void = () => {};
	/** Called at the end. */
	onClosed: () => void = () => {};
	/** Until then whoever starts the proxy hears of damage. */
	isStarted = false;

	constructor(options: TroubleOptions) {
		this.#troubles = new TroubleLog(options);
		this.emitter = new Emitter(
			(kind) => {
				if (kind === null || kind === "flow" || kind === "served") this.onFlowsWanted();
			},
			(error) => this.fail(error),
		);
	}

	end(): void {
		this.onClosed();
		this.emitter.end();
	}

	fail(error: unknown): void {
		const told = errorOf(error);
		if (this.errors.length < KEPT_ERRORS) this.errors.push(told);
		this.emitter.emit("error", told);
	}

	get listeners(): Pick<LiveSetup, "report" | "log" | "onEvent" | "onMiss" | "onServed"> {
		const { emitter } = this;
		return {
			report: (...trouble) => this.#report(...trouble),
			log: (level, message) => {
				if (level === "warning") emitter.emit("warning", message);
			},
			onMiss: (miss) => emitter.emit("miss", miss),
			onServed: (served) => emitter.emit("served", served),
			onEvent: (event) => {
				if (event.kind === "flow") emitter.emit("flow", event.flow);
				else if (event.kind === "egress") emitter.emit("egress", { destination: event.destination });
				else if (event.kind === "hook_error" || event.kind === "sink_error") this.fail(event.error);
				else if (event.kind === "client_error") emitter.emit("warning", `${event.client}: ${event.message}`);
				else if (event.kind === "left_out") emitter.emit("warning", leftOutText(event));
			},
		};
	}

	#report(...[code, message, detail]: Parameters<TroubleLog["report"]>): void {
		try {
			this.#troubles.report(code, message, detail);
		} catch (error) {
			if (!this.isStarted) throw error;
			this.fail(error);
		}
	}
}

/** What a started proxy needs from where it was started. */
interface Surroundings {
	surroundings(base: NodeJS.ProcessEnv): Record<string, string>;
	release(): Promise<void>;
}

export class StartedProxy implements ProxyHandle {
	readonly url: URL;
	readonly ca: ProxyHandle["ca"];
	readonly #live: LiveProxy;
	readonly #events: RunEvents;
	readonly #surroundings: Surroundings;
	#closing: Promise<RunReport> | null = null;

	constructor(live: LiveProxy, events: RunEvents, surroundings: Surroundings) {
		const [first] = live.listeners;
		const host = ANY.get(live.host) ?? live.host;
		this.url = new URL(`${first?.mode.kind === "socks5" ? "socks5" : "http"}://${host.includes(":") ? `[${host}]` : host}:${live.port}`);
		this.ca = { pem: live.authority.certificatePem, pin: live.authority.pin, file: live.authority.certificateFile };
		this.#live = live;
		this.#events = events;
		this.#surroundings = surroundings;
		events.onFlowsWanted = () => live.watchFlows();
		events.isStarted = true;
	}

	/** When the recordings that are replayed began, in seconds since 1970; null where there are none. */
	get recordedAt(): number | null {
		return this.#live.recordedAt;
	}

	env(base: NodeJS.ProcessEnv = {}): Record<string, string> {
		return this.#surroundings.surroundings(base);
	}

	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void {
		return this.#events.emitter.on(event, listener);
	}

	events(signal?: AbortSignal): AsyncIterable<ProxyEvent> {
		return this.#events.emitter.events(signal);
	}

	/** Closes the proxy once the signal is aborted; what fails then is told. */
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
			const report: LiveReport = await this.#live.close();
			const { recorded, lost, replay, egress } = report;
			const { served = 0, missed = 0, unused = 0 } = replay ?? {};
			return { recorded, lost, served, missed, unused, egress, errors: this.#events.errors };
		} finally {
			await this.#surroundings.release();
			this.#events.end();
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}
