// Answers requests from recordings. A request without a recording never reaches a server, unless server_replay_extra is
// `forward`.
import { now as clock } from "../clock.ts";
import { withOption } from "../errors.ts";
import type { Body, BodySource } from "../flow/body.ts";
import { type ByteString, toText } from "../flow/bytes.ts";
import { parseMediaType } from "../flow/content-type.ts";
import { type HttpFlow, KILLED, type WebSocketData } from "../flow/flow.ts";
import { jsonText } from "../flow/json-text.ts";
import type { Request, Response } from "../flow/message.ts";
import { after, type MaybeAsync } from "../maybe-async.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { prefersJson } from "../replay/answer/accept.ts";
import { type Delay, durationOf, parseDelay, type RecordedTimes, waitOf } from "../replay/answer/delay.ts";
import { piecesOf } from "../replay/answer/pace.ts";
import type { Recording } from "../replay/answer/recording.ts";
import { compileRefresh, type Refresh } from "../replay/answer/refresh.ts";
import { answerHandshake, type ServerPart, serverPart } from "../replay/answer/websocket-script.ts";
import { missData, missText } from "../replay/explain/miss-text.ts";
import { NearMisses } from "../replay/explain/near-miss.ts";
import { originalRequest } from "../replay/match/key.ts";
import { isPreflight, preflightFields } from "../replay/match/preflight.ts";
import { options as indexOptions, type MatchFunction, ReplayIndex } from "../replay/recordings/index-of-tapes.ts";
import type { HostNames } from "./authenticator.ts";
import type { ConnectionHook } from "./connection-hooks.ts";
import type { HookContext } from "./context.ts";
import type { CachedResponse, Decision, Delivery, Piece } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { compileFilterLazily } from "./rule.ts";

/** The options that decide which recording answers a request. */
export const matchingOptions = {
	...indexOptions,
	server_replay_filter: {
		type: "string",
		default: null,
		metavar: "FILTER",
		help: "Use only matching recordings as answers.",
	},
	server_replay_match: {
		type: "function",
		default: null,
		help: "A function in a configuration file: (request, recorded) => boolean. It decides whether a recording that matches by all other options may answer a request.",
	},
} as const satisfies OptionTable;

export const options = {
	...matchingOptions,
	server_replay_extra: {
		type: "string",
		default: "404",
		choices: ["forward", "kill", "204", "400", "404", "500", "502"],
		help: "How to answer requests without a recording: a status, kill (close the connection), or forward (ask the real server).",
	},
	server_replay_alpn: {
		type: "string",
		default: "any",
		choices: ["any", "recorded"],
		help: "Protocol to offer clients first in TLS. any: HTTP/2; recorded: HTTP/1.1 for hosts recorded with HTTP/1.1.",
	},
	server_replay_preflight: {
		type: "boolean",
		default: false,
		help: "Answer a CORS preflight that has no recording, based on the recording of the request it announces.",
	},
	server_replay_refresh: {
		type: "boolean",
		default: true,
		help: "Shift dates and the expiry of cookies by the time since the recording.",
	},
	server_replay_refresh_also: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "Shift these dates too: headers such as retry-after or sunset, and values of JSON bodies such as /data/expires_at.",
	},
	server_replay_delay: {
		type: "string",
		default: "none",
		metavar: "TIME",
		help: "Delay of answers: none, recorded, x2 (twice the recorded time), or 50ms (until the first byte of each).",
	},
	server_replay_kill_extra: {
		type: "boolean",
		default: false,
		help: "Close the connection on requests without a recording.",
		deprecated: "use server_replay_extra=kill instead",
	},
	server_replay_nopop: {
		type: "boolean",
		default: false,
		help: "The old name of server_replay_reuse.",
		deprecated: "use server_replay_reuse instead",
	},
} as const satisfies OptionTable;

const NAME = "server-replay";

/** The result of a replay. */
export interface ReplayReport {
	readonly served: number;
	readonly missed: number;
	/** Number of recordings that were never used. */
	readonly unused: number;
}

export interface ServerReplay extends Hook {
	readonly name: typeof NAME;
	report(): Promise<ReplayReport>;
	/**
	 * Counts the requests of a session from now on. The returned function ends the session: if the name is used again,
	 * its order begins anew. In its report, `unused` counts the recordings of the session; if there are none, all.
	 */
	openSession(name: string): () => ReplayReport;
	/** Whether to offer the clients of a host HTTP/1.1 first; null: never. */
	readonly prefersHttp1: ((names: HostNames) => boolean) | null;
	/** When the first recorded request was sent, in seconds since 1970; null if there are no recordings. */
	readonly recordedAt: number | null;
	/** The number of recordings that have not answered yet. Counts them in all tapes. */
	countUnused(): number;
	/** Begins the order of equal requests anew in a session. null: in all sessions. */
	rewind(session: string | null): void;
}

/** Whether a hook is the server replay. */
export function isServerReplay(hook: Hook): hook is ServerReplay {
	return hook.name === NAME;
}

/**
 * Answers from `context.recordings`; null if there are none. The options are checked in any case.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
 */
export async function createServerReplay(
	values: OptionValues<typeof options>,
	context: HookContext,
): Promise<ServerReplay | null> {
	const { recordings = [] } = context;
	const replay = new Replay(await openIndex(values, recordings, context, true), values, context);
	return recordings.length === 0 ? null : replay;
}

/**
 * Opens the index of tapes.
 * @param early whether to resolve as soon as the index can be queried, before it is complete
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
 */
export async function openIndex(
	values: OptionValues<typeof matchingOptions> & { readonly server_replay_nopop?: boolean },
	recordings: NonNullable<HookContext["recordings"]>,
	context: Pick<HookContext, "caseSensitiveFilters" | "notes"> = {},
	early = false,
): Promise<ReplayIndex> {
	const reuse = values.server_replay_reuse || values.server_replay_nopop === true;
	return ReplayIndex.open(
		recordings,
		{ ...values, server_replay_reuse: reuse },
		{
			...(values.server_replay_ignore_body.length > 0 && { compileCut: await cutCompiler() }),
			...(values.server_replay_filter !== null && { selects: await selection(values.server_replay_filter, context) }),
			// with a filter, the unused recordings are known only once the index is complete
			early: early && values.server_replay_filter === null,
			...(context.notes && { notes: context.notes }),
			match: values.server_replay_match as MatchFunction | null,
		},
	);
}

async function selection(
	pattern: string,
	context: Pick<HookContext, "caseSensitiveFilters">,
): Promise<(flow: HttpFlow) => boolean> {
	try {
		const filter = await compileFilterLazily(pattern, context);
		return (flow) => filter.matches(flow);
	} catch (cause) {
		throw withOption(cause, "server_replay_filter");
	}
}

async function cutCompiler(): Promise<(pattern: string) => (text: ByteString) => ByteString> {
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	return (pattern) => {
		try {
			const regex = compilePythonRegex(pattern, { kind: "bytes", dotAll: true });
			return (text) => regex.replace(text, "");
		} catch (cause) {
			throw withOption(cause, "server_replay_ignore_body");
		}
	};
}

class Replay implements ServerReplay {
	readonly name = NAME;
	readonly liveOnly = true;
	readonly leavesRequest = true;
	readonly needs = { request: "always" } as const;
	readonly #index: ReplayIndex;
	readonly #nearMisses: NearMisses;
	readonly #context: HookContext;
	readonly #extra: string;
	readonly #refresh: Refresh | null;
	readonly #delay: Delay | null;
	readonly #preflight: boolean;
	readonly #now: () => number;
	readonly prefersHttp1: ((names: HostNames) => boolean) | null;
	/** The scripts of WebSockets that are being replayed. */
	readonly #scripts = new WeakMap<Recording, WeakRef<ServerPart>>();
	/** Ids of recordings with fields that cannot be sent, after the warning. */
	readonly #warnedOf = new Set<string>();
	#served = 0;
	#missed = 0;
	/** The counts of open sessions. */
	readonly #counts = new Map<string, { served: number; missed: number }>();
	readonly connection?: ConnectionHook;
	/** How often the client was started again. */
	#restarts = 0;
	/** Whether the order may have to begin anew: the client was started again, and no request has decided it. */
	#mayBeginAnew = false;

	constructor(index: ReplayIndex, values: OptionValues<typeof options>, context: HookContext) {
		this.#index = index;
		this.#nearMisses = new NearMisses(index);
		this.#context = context;
		this.#extra = values.server_replay_kill_extra ? "kill" : values.server_replay_extra;
		this.#refresh = values.server_replay_refresh ? compileRefresh(values.server_replay_refresh_also) : null;
		this.#delay = parseDelay(values.server_replay_delay);
		this.#preflight = values.server_replay_preflight;
		this.#now = context.now ?? clock;
		const { clients } = context;
		if (clients !== undefined && index.order === "sequence")
			this.connection = (...[name]) => {
				if (name !== "client_connected" || !clients.hasRestarted()) return;
				this.#restarts++;
				this.#mayBeginAnew = true;
			};
		this.prefersHttp1 =
			values.server_replay_alpn === "recorded"
				? ({ hosts, port }) => hosts.some((host) => index.isHttp1Only(host, port))
				: null;
	}

	countUnused(): number {
		return this.#index.countUnused();
	}

	rewind(session: string | null): void {
		this.#index.beginAnew(session);
	}

	get recordedAt(): number | null {
		return this.#index.recordedAt();
	}

	request(flow: HttpFlow, decision: Decision): MaybeAsync {
		if (this.#context.passes?.(flow)) return;
		if (this.#mayBeginAnew) this.#mayBeginAnew = this.#index.beginAnewFor(originalRequest(flow)) === null;
		return after(this.#index.takeKnown(flow, flow.session ?? ""), (recording) =>
			this.#answerOrMiss(flow, decision, recording),
		);
	}

	#answerOrMiss(flow: HttpFlow, decision: Decision, recording: Recording | null): MaybeAsync {
		if (recording === null)
			return this.#preflight && isPreflight(flow.request)
				? this.#answerPreflight(flow, decision)
				: this.#miss(flow, decision);
		this.#count("served", flow);
		flow.isReplay = "response";
		const accepted = flow.request.headers.raw("accept-encoding");
		const response = recording.answer(this.#now(), this.#refresh, accepted);
		const delivery = this.#delivery(flow.request, response, recording);
		decision.answer(
			response,
			NAME,
			delivery,
			delivery === null && recording.isAlways ? this.#cachedResponse(recording, accepted, flow) : null,
		);
		if (recording.unsendable.length > 0) this.#warnOfUnsendable(recording, this.#index.shownUrl(flow.request));
		if (this.#context.onServed !== undefined) this.#reportServed(flow, recording);
	}

	/** The answer for the response cache; null: dates in bodies are refreshed, so the response always changes. */
	#cachedResponse(
		recording: Recording,
		accepted: ByteString | null,
		{ session }: Pick<HttpFlow, "session">,
	): CachedResponse | null {
		const refresh = this.#refresh;
		if (refresh?.json.length) return null;
		const restarts = this.#restarts;
		return {
			isValid: () => restarts === this.#restarts,
			current: () => {
				const now = this.#now();
				return { response: recording.answer(now, refresh, accepted), until: recording.staysUntil(now, refresh) };
			},
			changingFields: () => recording.moving(refresh),
			currentFields: () => {
				const now = this.#now();
				return { fields: recording.fieldsAt(now, refresh), until: recording.staysUntil(now, refresh) };
			},
			countServed: () => this.#count("served", { session }),
		};
	}

	#count(what: "served" | "missed", { session }: Pick<HttpFlow, "session">): void {
		if (what === "served") this.#served++;
		else this.#missed++;
		const counts = session === null ? undefined : this.#counts.get(session);
		if (counts !== undefined) counts[what]++;
	}

	/** How the response is sent; null: at once and in full, the usual case. */
	#delivery(request: Request, response: Response, recording: Recording): Delivery | null {
		const delay = this.#delay;
		const isWebSocket = response.statusCode === 101;
		const unfinished = unfinishedEnd(recording, request);
		if (delay === null && !isWebSocket && unfinished === null) return null;
		const recorded = recording.flow();
		if (recorded?.response == null) return null;
		if (isWebSocket) answerHandshake(response.headers, request);
		const times = timesOf(recorded.request, recorded.response);
		return {
			waitMs: delay === null ? 0 : waitOf(delay, times) * 1000,
			pieces:
				delay?.kind !== "recorded" || isWebSocket
					? null
					: timedChunks(response, recorded, durationOf(delay, times), delay.factor),
			unfinished,
			websocket: recorded.websocket && isWebSocket ? this.#script(recording, recorded.websocket) : null,
		};
	}

	/** Concurrent replays of a recording share its script. */
	#script(recording: Recording, recorded: WebSocketData): ServerPart {
		const factor = this.#delay?.kind === "recorded" ? this.#delay.factor : 0;
		const script = this.#scripts.get(recording)?.deref() ?? serverPart(recorded, (seconds) => seconds * factor);
		this.#scripts.set(recording, new WeakRef(script));
		return script;
	}

	async report(): Promise<ReplayReport> {
		if (this.#context.onUnused !== undefined)
			for (const recording of this.#index.unused()) this.#context.onUnused(recording);
		return { served: this.#served, missed: this.#missed, unused: this.#index.countUnused() };
	}

	openSession(name: string): () => ReplayReport {
		const counts = { served: 0, missed: 0 };
		this.#counts.set(name, counts);
		return () => {
			this.#counts.delete(name);
			return { ...counts, unused: this.#index.endSession(name) };
		};
	}

	#reportServed({ id, request, session }: HttpFlow, recording: Recording): void {
		const repaired = recording.flaw(request.method);
		const url = this.#index.shownUrl(request);
		this.#context.onServed?.({ id, method: request.method, url, session, recording: recording.id, repaired });
	}

	/** Once for each recording. Pseudo-headers of dumps that were converted from HAR are left out without a warning. */
	#warnOfUnsendable({ id, unsendable }: Recording, url: string): void {
		if (this.#warnedOf.has(id)) return;
		this.#warnedOf.add(id);
		for (const name of unsendable) {
			if (name === "" || name.startsWith(":")) continue;
			const message = `the field ${JSON.stringify(toText(name))} of the response of ${url} was left out: it contains a line break or NUL`;
			this.#context.log?.("warning", message);
		}
	}

	async #answerPreflight(flow: HttpFlow, decision: Decision): Promise<void> {
		const { id, request, session } = flow;
		const announced = await this.#nearMisses.announcedBy(originalRequest(flow));
		if (announced === null) return this.#miss(flow, decision);
		this.#count("served", flow);
		flow.isReplay = "response";
		decision.answer(
			makeResponse(204, preflightFields(request, announced.response), Buffer.alloc(0), this.#now()),
			NAME,
		);
		this.#context.onServed?.({
			id,
			method: request.method,
			url: this.#index.shownUrl(request),
			session,
			recording: announced.id,
			repaired: null,
		});
	}

	/** Handles a request without a recording. A forwarded request needs no explanation. */
	async #miss(flow: HttpFlow, decision: Decision): Promise<void> {
		this.#count("missed", flow);
		const { id, request, session } = flow;
		const missed = { method: request.method, url: this.#index.shownUrl(request) };
		const isForwarded = this.#extra === "forward";
		const nearest = isForwarded ? null : await this.#nearMisses.nearestTo(originalRequest(flow), { session });
		const explanation = isForwarded
			? `not recorded, forwarded: ${missed.method} ${missed.url}\n`
			: missText(missed, nearest, this.#context.wording);
		this.#context.onMiss?.({ id, ...missed, session, policy: this.#extra, explanation, nearest });
		if (isForwarded) return;
		if (this.#extra === "kill") return decision.abort(KILLED, NAME);
		const isJson = prefersJson(request.headers.raw("accept"));
		const body = isJson ? `${jsonText(missData(missed, nearest), "\t")}\n` : explanation;
		flow.isReplay = "response";
		decision.answer(makeResponse(Number(this.#extra), missFields(isJson), Buffer.from(body), this.#now()), NAME);
	}
}

/** How to replay a recorded response that did not end; null: it ended. */
function unfinishedEnd(
	{ end, response: { headers, statusCode, bodySize } }: Recording,
	{ method }: Request,
): "hold" | "break" | null {
	if (end === "cut") return "break";
	// the announced body was complete
	const isComplete =
		headers.raw("content-length") === String(bodySize ?? 0) ||
		method === "HEAD" ||
		statusCode === 204 ||
		statusCode === 304;
	return end === "server" || isComplete ? null : "hold";
}

function timesOf(request: Request, response: Response): RecordedTimes {
	return {
		sent: request.timestampEnd ?? request.timestampStart,
		began: response.timestampStart,
		ended: response.timestampEnd,
	};
}

function timedChunks(
	response: Response,
	{ metadata }: HttpFlow,
	seconds: number,
	factor: number,
): readonly Piece[] | null {
	const isEventStream = parseMediaType(response.headers.get("content-type")).essence === "text/event-stream";
	return piecesOf({
		body: sharedBytes(response.body),
		seconds,
		factor,
		isEventStream,
		chunkTimes: metadata.response_chunks,
	});
}

/** The memory of bodies that are sent in pieces. */
const sent = new WeakMap<BodySource, WeakRef<ArrayBufferLike>>();

/** The bytes of a body; concurrent responses share the memory. */
function sharedBytes(body: Body): Buffer {
	if (body === null || Buffer.isBuffer(body)) return body ?? Buffer.alloc(0);
	const known = sent.get(body)?.deref();
	if (known !== undefined) return Buffer.from(known);
	const bytes = body.read();
	// a small Buffer may be part of Node's pool
	if (bytes.byteLength === bytes.buffer.byteLength) sent.set(body, new WeakRef(bytes.buffer));
	return bytes;
}

/** The header fields that mark a response as a miss. */
function missFields(isJson: boolean): (readonly [name: string, value: string])[] {
	return [
		["x-flowtape-miss", "no recording"],
		["content-type", isJson ? "application/json" : "text/plain; charset=utf-8"],
	];
}
