// `replayClient`: sends recorded requests again and yields the result of each.

import type { Format } from "../formats/index.ts";
import type { FlowDifference } from "../src/compare/differences.ts";
import type { Filter } from "../src/filter/filter.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { Hook } from "../src/hooks/hook.ts";
import { flagWording } from "../src/replay/explain/wording.ts";
import { Channel } from "./channel.ts";
import type { CLIENT_PREFIX, clientReplayOptions } from "./client-options.ts";
import type { PartialOptions } from "./options.ts";
import { type ProxyEvent, type ProxyEvents, RunEvents, type RunReport } from "./run-events.ts";
import type { SendReport } from "./send-again.ts";
import { fileOf, filesIn, openSource, type Source } from "./source.ts";
import { type FormatName, filterOf, type TapePath } from "./tape.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

type Given = Omit<PartialOptions<typeof clientReplayOptions, typeof CLIENT_PREFIX>, "to" | "speed">;

/**
 * Options of `replayClient`: those of `flowtape replay-client` in camelCase, without `client_replay_`
 * (docs/options.md), and the following.
 */
export interface ReplayClientOptions extends Given, TroubleOptions {
	/** The recorded flows; their requests are sent in this order. */
	readonly from: Source;
	/** Sends only requests of flows that match: an expression (docs/filters.md) or a compiled filter. Default: all. */
	readonly filter?: string | Filter | undefined;
	/**
	 * Sends all requests to the scheme, host and port of this URL; default: to the recorded servers. `--to` of the
	 * command.
	 */
	readonly server?: string | URL | undefined;
	/** A tape for the new flows, which are appended to an existing one. Default: they are not stored. */
	readonly to?: TapePath | undefined;
	/** The format of `to`; default: by its extension. */
	readonly format?: FormatName | undefined;
	/** Keeps the recorded gaps between requests, divided by this factor; default: no gaps. */
	readonly speed?: number | undefined;
	/**
	 * Tapes to answer requests from. Requests without a recording are sent, unless `serverReplayExtra` says otherwise.
	 * Default: none.
	 */
	readonly answers?: TapePath | readonly TapePath[] | undefined;
	/** Hooks, made by `defineHook`; they run after those of scripts. Default: none. */
	readonly hooks?: readonly Hook[] | undefined;
	/** Custom formats, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
	/**
	 * Environment variables: upstream proxies (HTTPS_PROXY, HTTP_PROXY, NO_PROXY), and for redaction those that
	 * `rewrite` reads. Default: none. Pass `process.env` to use those of this process.
	 */
	readonly env?: NodeJS.ProcessEnv | undefined;
	/**
	 * Stops sending when it is aborted: exchanges in progress are stored as they are, and iteration throws the signal's
	 * reason.
	 */
	readonly signal?: AbortSignal | undefined;
}

/** The result for a recorded flow: its request was sent, successfully or not, or it was skipped. */
export type Replayed = SentFlow | SkippedFlow;

/** A recorded flow whose request was sent. */
export interface SentFlow {
	readonly kind: "sent";
	readonly recorded: HttpFlow;
	/** The new flow. Do not change it: it may not be written to the tape yet. */
	readonly flow: HttpFlow;
	/**
	 * Whether the new exchange failed (`flow.error`). False if the client closed the connection and had also done so in
	 * the recording.
	 */
	readonly hasFailed: boolean;
	/**
	 * The differences between the recorded and the new response, except those that `ignore` names. Computed at the first
	 * access.
	 */
	readonly differences: readonly FlowDifference[];
}

/** A recorded flow whose request was not sent. */
export interface SkippedFlow {
	readonly kind: "skipped";
	readonly recorded: Flow;
	/** Why it was not sent. */
	readonly reason: string;
}

/** The report of `replayClient`. */
export interface ReplayClientReport extends RunReport {
	/** Requests that were sent. */
	readonly sent: number;
	/** Exchanges among them that failed. */
	readonly failed: number;
	/** Flows whose requests were not sent. */
	readonly skipped: number;
}

/** A running replay. Iterate over its results: `for await (const result of client)`. */
export interface ReplayClient extends AsyncIterable<Replayed>, AsyncDisposable {
	/** Always returns the same generator. Leaving a loop ends the replay. */
	[Symbol.asyncIterator](): AsyncGenerator<Replayed, void, undefined>;
	/**
	 * Adds a listener for an event and returns a function that removes it. If a listener throws or rejects, an `error`
	 * event is emitted.
	 */
	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void;
	/**
	 * All events from now on, until the replay ends or the signal is aborted. Unread events are queued in memory without
	 * limit.
	 */
	events(signal?: AbortSignal): AsyncIterable<ProxyEvent>;
	/**
	 * Stops sending, writes all flows to the tape, and resolves to the report. Throws as iteration does. Further calls
	 * return the same promise.
	 */
	close(): Promise<ReplayClientReport>;
}

/**
 * Sends recorded requests again. Sending starts with the iteration. At most `concurrency` requests (default 1; -1: all)
 * are in progress or have results that the loop has not taken yet. Leaving the loop stops sending.
 *
 * Iteration throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE, FT_NOT_FOUND, FT_IO, and
 * FT_CORRUPT_FLOW for damage unless `onTrouble` or `strict` says to skip it; the signal's reason if it is aborted. A
 * server that cannot be reached is not an error: see `flow.error`.
 */
export function replayClient(options: ReplayClientOptions): ReplayClient {
	return new ReplayRun(options);
}

const OWN: readonly (keyof ReplayClientOptions)[] = [
	"from",
	"filter",
	"server",
	"to",
	"format",
	"speed",
	"answers",
	"hooks",
	"formats",
	"env",
	"signal",
	"strict",
	"onTrouble",
];

const EMPTY_REPORT: SendReport = {
	sent: 0,
	failed: 0,
	skipped: 0,
	recorded: 0,
	lost: 0,
	replay: null,
	egress: new Map(),
	own: 0,
	noise: 0,
};

class ReplayRun implements ReplayClient {
	readonly #options: ReplayClientOptions;
	readonly #events: RunEvents;
	readonly #channel = new Channel<Replayed>();
	readonly #stop = new AbortController();
	readonly #flows: AsyncGenerator<Replayed, void, undefined>;
	#sending: Promise<SendReport> | null = null;
	/** Whether iteration has thrown the error of the replay. */
	#hasThrown = false;
	#closing: Promise<ReplayClientReport> | null = null;

	constructor(options: ReplayClientOptions) {
		this.#options = options;
		this.#events = new RunEvents(options);
		this.#flows = this.#iterate();
	}

	[Symbol.asyncIterator](): AsyncGenerator<Replayed, void, undefined> {
		return this.#flows;
	}

	on<Kind extends keyof ProxyEvents>(event: Kind, listener: (value: ProxyEvents[Kind]) => unknown): () => void {
		return this.#events.emitter.on(event, listener);
	}

	events(signal?: AbortSignal): AsyncIterable<ProxyEvent> {
		return this.#events.emitter.events(signal);
	}

	async *#iterate(): AsyncGenerator<Replayed, void, undefined> {
		const { signal } = this.#options;
		const stop = () => this.#end();
		try {
			signal?.throwIfAborted();
			signal?.addEventListener("abort", stop, { once: true });
			this.#sending = this.#send().finally(() => this.#channel.close());
			// the error is thrown below, after the results that precede it
			this.#sending.catch(() => {});
			yield* this.#channel;
			await this.#sending;
			signal?.throwIfAborted();
		} catch (error) {
			this.#hasThrown = true;
			throw error;
		} finally {
			signal?.removeEventListener("abort", stop);
			this.#end();
			await this.#sending?.catch(() => {});
			this.#events.end();
		}
	}

	/** Stops sending and drops results that were not taken. */
	#end(): void {
		this.#channel.cancel();
		this.#stop.abort();
	}

	async #send(): Promise<SendReport> {
		const { from, filter, server, to, format, speed, answers = [], hooks = [], formats, env = {} } = this.#options;
		const { optionValues } = await import("./options.ts");
		const { CLIENT_PREFIX: prefix, clientReplayOptions } = await import("./client-options.ts");
		const { answerDifferences } = await import("../src/compare/differences.ts");
		const { compileIgnore } = await import("../src/compare/ignore.ts");
		const { RecoveringSource } = await import("./copy-flows.ts");
		const { sendAgain } = await import("./send-again.ts");
		const given: Given = this.#options;
		const values = {
			...optionValues(clientReplayOptions, given, { verb: "replayClient", prefix, others: OWN }),
			to: server === undefined ? null : String(server),
			...(speed !== undefined && { speed: String(speed) }),
		};
		const ignored = compileIgnore(values.ignore);
		const compare: Compare = (before, after) => answerDifferences(before, after, ignored);
		const { reportInput: report } = new TroubleLog(this.#options);
		const { listeners } = this.#events;
		const compiled = await filterOf(filter);
		return sendAgain({
			values,
			format,
			formats,
			hooks,
			env,
			...listeners,
			wording: flagWording(""),
			output: to === undefined ? null : fileOf(to),
			recordings: filesIn(answers),
			open: async () =>
				(await openSource(from, { report, filter: compiled, formats, isConfidential: values.redact })).map(
					(source) => new RecoveringSource(source, report),
				),
			onReady: () => {
				this.#events.isStarted = true;
			},
			signal: this.#stop.signal,
			onSent: (recorded, flow, hasFailed) => this.#channel.send(new ComparedFlow(recorded, flow, hasFailed, compare)),
			onSkipped: (recorded, reason) => this.#channel.send({ kind: "skipped", recorded, reason }),
		});
	}

	close(): Promise<ReplayClientReport> {
		this.#closing ??= this.#close();
		return this.#closing;
	}

	async #close(): Promise<ReplayClientReport> {
		this.#end();
		await this.#flows.return();
		this.#events.end();
		const { sent, failed, skipped, ...report } = (await this.#sending) ?? EMPTY_REPORT;
		return { ...this.#events.reportOf(report), sent, failed, skipped };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		try {
			await this.close();
		} catch (error) {
			if (!this.#hasThrown) throw error;
		}
	}
}

type Compare = (before: HttpFlow, after: HttpFlow) => readonly FlowDifference[];

class ComparedFlow implements SentFlow {
	readonly kind = "sent";
	readonly recorded: HttpFlow;
	readonly flow: HttpFlow;
	readonly hasFailed: boolean;
	readonly #compare: Compare;
	#differences: readonly FlowDifference[] | null = null;

	constructor(recorded: HttpFlow, flow: HttpFlow, hasFailed: boolean, compare: Compare) {
		this.recorded = recorded;
		this.flow = flow;
		this.hasFailed = hasFailed;
		this.#compare = compare;
	}

	get differences(): readonly FlowDifference[] {
		this.#differences ??= this.#compare(this.recorded, this.flow);
		return this.#differences;
	}
}
