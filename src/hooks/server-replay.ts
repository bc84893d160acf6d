// Answers requests from recordings. What has no recording never reaches a server unless that was asked for.
import { FlowtapeError } from "../errors.ts";
import { parseBasic } from "../flow/basic-credentials.ts";
import type { Body, BodySource } from "../flow/body.ts";
import type { ByteString } from "../flow/bytes.ts";
import { type HttpFlow, KILLED, type WebSocketData } from "../flow/flow.ts";
import type { Request, Response } from "../flow/message.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { prefersJson } from "../replay/answer/accept.ts";
import { type Delay, durationOf, parseDelay, type RecordedTimes, waitOf } from "../replay/answer/delay.ts";
import { piecesOf } from "../replay/answer/pace.ts";
import type { Recording } from "../replay/answer/recording.ts";
import { compileRefresh, type Refresh } from "../replay/answer/refresh.ts";
import { answerHandshake, type ServerPart, serverPart } from "../replay/answer/websocket-script.ts";
import { missData, missText } from "../replay/explain/miss-text.ts";
import { NearMisses } from "../replay/explain/near-miss.ts";
import { askedOf } from "../replay/match/key.ts";
import { isPreflight, preflightFields } from "../replay/match/preflight.ts";
import { options as indexOptions, type MatchFunction, ReplayIndex } from "../replay/recordings/index-of-tapes.ts";
import type { HostNames } from "./authenticator.ts";
import { clock, type HookContext } from "./context.ts";
import type { CachedResponse, Decision, Delivery, Piece } from "./decision.ts";
import type { Hook } from "./hook.ts";
import { makeResponse } from "./make-response.ts";
import { compileFilterLazily } from "./rule.ts";

/** The options that say which recording answers a request. */
export const matchingOptions = {
	...indexOptions,
	server_replay_filter: { type: "string", default: null, metavar: "FILTER", help: "Answer from recordings that match only." },
	server_replay_match: {
		type: "function",
		default: null,
		help: "In a configuration file: (request, recorded) => whether a recording that the other options do not tell apart from a request may answer it.",
	},
} as const satisfies OptionTable;

export const options = {
	...matchingOptions,
	server_replay_extra: {
		type: "string",
		default: "404",
		choices: ["forward", "kill", "204", "400", "404", "500"],
		help: "What becomes of requests without a recording: a status, hanging up, or the real server.",
	},
	server_replay_alpn: {
		type: "string",
		default: "any",
		choices: ["any", "recorded"],
		help: "What clients are offered in TLS: HTTP/2 first, whatever was recorded, or HTTP/1.1 first for hosts that were recorded so.",
	},
	server_replay_preflight: {
		type: "boolean",
		default: false,
		help: "Answer a CORS preflight without a recording from the recording of the request that it asks for.",
	},
	server_replay_refresh: {
		type: "boolean",
		default: true,
		help: "Move dates and the expiry of cookies, so that they keep their distance to the time of recording.",
	},
	server_replay_refresh_also: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "Move these dates too: headers by name, as retry-after or sunset, and places in JSON bodies, as /data/expires_at.",
	},
	server_replay_delay: {
		type: "string",
		default: "none",
		metavar: "TIME",
		help: "How long answers take: none, recorded, x2 (twice the recorded time), 50ms (to the first byte of each).",
	},
	server_replay_kill_extra: {
		type: "boolean",
		default: false,
		help: "Hang up on requests without a recording.",
		deprecated: "use server_replay_extra=kill instead",
	},
	server_replay_nopop: { type: "boolean", default: false, help: "Old name of server_replay_reuse.", deprecated: "use server_replay_reuse instead" },
} as const satisfies OptionTable;

const NAME = "server-replay";

/** What a run of replaying came to. */
export interface ReplayReport {
	readonly served: number;
	readonly missed: number;
	/** Recordings that could have answered and never did. */
	readonly unused: number;
}

export interface ServerReplay extends Hook {
	readonly name: typeof NAME;
	report(): Promise<ReplayReport>;
	/** Whether clients of a host are to be offered HTTP/1.1 first; null: none are. */
	readonly prefersHttp1: ((names: HostNames) => boolean) | null;
	/** When the recordings began, in seconds since 1970; null where there are none. */
	readonly recordedAt: number | null;
}

/** Whether a hook is the one that answers from recordings. */
export function isServerReplay(hook: Hook): hook is ServerReplay {
	return hook.name === NAME;
}

/** Answers from `context.recordings`; null when there are none. @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN */
export async function createServerReplay(values: OptionValues<typeof options>, context: HookContext): Promise<ServerReplay | null> {
	const { recordings = [] } = context;
	return recordings.length === 0 ? null : new Replay(await openIndex(values, recordings, context, true), values, context);
}

/** The index over tapes by the values of options; `early`: as soon as it can be asked. @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN */
export async function openIndex(
	values: OptionValues<typeof matchingOptions> & { readonly server_replay_nopop?: boolean },
	recordings: NonNullable<HookContext["recordings"]>,
	context: Pick<HookContext, "caseSensitiveFilters"> = {},
	early = false,
): Promise<ReplayIndex> {
	const reuse = values.server_replay_reuse || values.server_replay_nopop === true;
	return ReplayIndex.open(
		recordings,
		{ ...values, server_replay_reuse: reuse },
		{
			...(values.server_replay_ignore_body.length > 0 && { compileCut: await cutCompiler() }),
			...(values.server_replay_filter !== null && { selects: await selection(values.server_replay_filter, context) }),
			// what is left unused of a selection is known once all of it is
			early: early && values.server_replay_filter === null,
			match: values.server_replay_match as MatchFunction | null,
		},
	);
}

async function selection(pattern: string, context: Pick<HookContext, "caseSensitiveFilters">): Promise<(flow: HttpFlow) => boolean> {
	try {
		const filter = await compileFilterLazily(pattern, context);
		return (flow) => filter.matches(flow);
	} catch (cause) {
		throw namingOption(cause, "server_replay_filter");
	}
}

async function cutCompiler(): Promise<(pattern: string) => (text: ByteString) => ByteString> {
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	return (pattern) => {
		try {
			const regex = compilePythonRegex(pattern, { kind: "bytes", dotAll: true });
			return (text) => regex.replace(text, "");
		} catch (cause) {
			throw namingOption(cause, "server_replay_ignore_body");
		}
	};
}

/** An error about the value of an option. */
function namingOption(cause: unknown, option: string): unknown {
	if (!(cause instanceof FlowtapeError)) return cause;
	return new FlowtapeError(cause.code, cause.message, { option, cause, ...(cause.column && { column: cause.column }) });
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
	/** What WebSockets that last are told. */
	readonly #scripts = new WeakMap<Recording, WeakRef<ServerPart>>();
	#served = 0;
	#missed = 0;

	constructor(index: ReplayIndex, values: OptionValues<typeof options>, context: HookContext) {
		this.#index = index;
		this.#nearMisses = new NearMisses(index);
		this.#context = context;
		this.#extra = values.server_replay_kill_extra ? "kill" : values.server_replay_extra;
		this.#refresh = values.server_replay_refresh ? compileRefresh(values.server_replay_refresh_also) : null;
		this.#delay = parseDelay(values.server_replay_delay);
		this.#preflight = values.server_replay_preflight;
		this.#now = context.now ?? clock;
		this.prefersHttp1 = values.server_replay_alpn === "recorded" ? ({ hosts, port }) => hosts.some((host) => index.isHttp1Only(host, port)) : null;
	}

	get recordedAt(): number | null {
		return this.#index.recordedAt();
	}

	request(flow: HttpFlow, decision: Decision): void | Promise<void> {
		const taken = this.#index.takeKnown(flow, sessionOf(flow, decision));
		return taken instanceof Promise ? taken.then((recording) => this.#settle(flow, decision, recording)) : this.#settle(flow, decision, taken);
	}

	#settle(flow: HttpFlow, decision: Decision, recording: Recording | null): void | Promise<void> {
		if (recording === null) return this.#preflight && isPreflight(flow.request) ? this.#answerPreflight(flow, decision) : this.#miss(flow, decision);
		this.#served++;
		flow.isReplay = "response";
		const accepted = flow.request.headers.raw("accept-encoding");
		const response = recording.answer(this.#now(), this.#refresh, accepted);
		const delivery = this.#delivery(flow.request, response, recording);
		decision.answer(response, NAME, delivery, delivery === null && recording.isAlways ? this.#standing(recording, accepted) : null);
		if (this.#context.onServed !== undefined) this.#tell(flow, recording);
	}

	/** null: dates in bodies never stay the same. */
	#standing(recording: Recording, accepted: ByteString | null): CachedResponse | null {
		const refresh = this.#refresh;
		if (refresh?.json.length) return null;
		return {
			current: () => {
				const now = this.#now();
				return { response: recording.answer(now, refresh, accepted), until: recording.staysUntil(now, refresh) };
			},
			moving: () => recording.moving(refresh),
			moved: () => {
				const now = this.#now();
				return { fields: recording.fieldsAt(now, refresh), until: recording.staysUntil(now, refresh) };
			},
			given: () => {
				this.#served++;
			},
		};
	}

	/** null: whole and at once, as most are. */
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
			pieces: delay?.kind !== "recorded" || isWebSocket ? null : paced(response, recorded, durationOf(delay, times), delay.factor),
			unfinished,
			websocket: recorded.websocket && isWebSocket ? this.#script(recording, recorded.websocket) : null,
		};
	}

	/** Clients that hear the same share what is said. */
	#script(recording: Recording, recorded: WebSocketData): ServerPart {
		const factor = this.#delay?.kind === "recorded" ? this.#delay.factor : 0;
		const script = this.#scripts.get(recording)?.deref() ?? serverPart(recorded, (seconds) => seconds * factor);
		this.#scripts.set(recording, new WeakRef(script));
		return script;
	}

	async report(): Promise<ReplayReport> {
		if (this.#context.onUnused !== undefined) for (const recording of this.#index.unused()) this.#context.onUnused(recording);
		return { served: this.#served, missed: this.#missed, unused: this.#index.countUnused() };
	}

	#tell({ id, request }: HttpFlow, recording: Recording): void {
		const repaired = recording.flaw(request.method);
		this.#context.onServed?.({ id, method: request.method, url: request.prettyUrl, recording: recording.id, repaired });
	}

	async #answerPreflight(flow: HttpFlow, decision: Decision): Promise<void> {
		const { id, request } = flow;
		const asked = await this.#nearMisses.askedBy(askedOf(flow));
		if (asked === null) return this.#miss(flow, decision);
		this.#served++;
		flow.isReplay = "response";
		decision.answer(makeResponse(204, preflightFields(request, asked.response), Buffer.alloc(0), this.#now()), NAME);
		this.#context.onServed?.({ id, method: request.method, url: request.prettyUrl, recording: asked.id, repaired: null });
	}

	/** What goes on to a server needs no explanation. */
	async #miss(flow: HttpFlow, decision: Decision): Promise<void> {
		this.#missed++;
		const { id, request } = flow;
		const missed = { method: request.method, url: request.prettyUrl };
		const isForwarded = this.#extra === "forward";
		const nearest = isForwarded ? null : await this.#nearMisses.to(askedOf(flow));
		const explanation = isForwarded ? `not recorded, forwarded: ${missed.method} ${missed.url}\n` : missText(missed, nearest, this.#context.flagPrefix);
		this.#context.onMiss?.({ id, ...missed, policy: this.#extra, explanation, nearest });
		if (isForwarded) return;
		if (this.#extra === "kill") return decision.abort(KILLED, NAME);
		const isJson = prefersJson(request.headers.raw("accept"));
		const body = isJson ? `${JSON.stringify(missData(missed, nearest), null, "\t")}\n` : explanation;
		flow.isReplay = "response";
		decision.answer(makeResponse(Number(this.#extra), missFields(isJson), Buffer.from(body), this.#now()), NAME);
	}
}

/** Clients that give the proxy a name each have all recordings to themselves: workers that test side by side. */
function sessionOf(flow: HttpFlow, { proxyAuthorization }: Decision): string {
	const noted = flow.hasMetadata ? flow.metadata.proxyauth : undefined;
	const user = noted ?? parseBasic(proxyAuthorization ?? flow.request.headers.get("proxy-authorization"))?.[0] ?? flow.clientConn.proxyUser;
	return typeof user === "string" ? user : "";
}

/** What is replayed in place of an end that the recording does not have; null: it has one. */
function unfinishedEnd({ end, response: { headers, statusCode, bodySize } }: Recording, { method }: Request): "hold" | "break" | null {
	if (end === "cut") return "break";
	// all that was announced had come
	const isComplete = headers.raw("content-length") === String(bodySize ?? 0) || method === "HEAD" || statusCode === 204 || statusCode === 304;
	return end === "server" || isComplete ? null : "hold";
}

function timesOf(request: Request, response: Response): RecordedTimes {
	return { asked: request.timestampEnd ?? request.timestampStart, began: response.timestampStart, ended: response.timestampEnd };
}

function paced(response: Response, { metadata }: HttpFlow, seconds: number, factor: number): readonly Piece[] | null {
	const isEventStream = /^\s*text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
	return piecesOf({ body: sharedBytes(response.body), seconds, factor, isEventStream, chunkTimes: metadata.response_chunks });
}

/** The memory of bodies that are sent piece by piece, as long as somebody sends them. */
const sent = new WeakMap<BodySource, WeakRef<ArrayBufferLike>>();

/** The bytes of a body, in memory once for all clients that get it at the same time. */
function sharedBytes(body: Body): Buffer {
	if (body === null || Buffer.isBuffer(body)) return body ?? Buffer.alloc(0);
	const known = sent.get(body)?.deref();
	if (known !== undefined) return Buffer.from(known);
	const bytes = body.read();
	// what is small may be a part of something larger
	if (bytes.byteLength === bytes.buffer.byteLength) sent.set(body, new WeakRef(bytes.buffer));
	return bytes;
}

/** Tells programs that the answer is none of the recorded ones. */
function missFields(isJson: boolean): (readonly [name: string, value: string])[] {
	return [
		["x-flowtape-miss", "no recording"],
		["content-type", isJson ? "application/json" : "text/plain; charset=utf-8"],
	];
}
