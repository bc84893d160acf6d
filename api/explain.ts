// `explain`: finds the recording that would answer a request, or the nearest ones, and explains why.
import type { Format } from "../formats/index.ts";
import type { HttpFlow } from "../src/flow/flow.ts";
import type { Request } from "../src/flow/message.ts";
import type { matchingOptions } from "../src/hooks/server-replay.ts";
import type { OptionValues } from "../src/options.ts";
import type { NearMiss } from "../src/replay/explain/near-miss.ts";
import type { MatchFunction, RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import type { REPLAY_PREFIX } from "./live-options.ts";
import type { PartialOptions } from "./options.ts";
import type { RequestLike } from "./request-like.ts";
import { openRecordings, type Source } from "./source.ts";
import { TroubleLog, type TroubleOptions } from "./trouble.ts";

export type MatchingValues = OptionValues<typeof matchingOptions>;

/** The matching options, and the session of the client. */
type ExplainValues = MatchingValues & { readonly session?: string | null | undefined };

/**
 * How requests are matched to recordings: the matching options of `replayServer` (docs/options.md), with the same
 * names.
 */
export interface MatchOptions extends Omit<PartialOptions<typeof matchingOptions, typeof REPLAY_PREFIX>, "match"> {
	/** A last check: whether a recording that matches by all other options may answer the request. Default: it may. */
	readonly match?: MatchFunction | null | undefined;
}

/** Options of `explain`. */
export interface ExplainOptions extends MatchOptions, TroubleOptions {
	/** The session of the client; default: none. */
	readonly session?: string | undefined;
	/** Custom formats, made by `defineFormat`. */
	readonly formats?: readonly Format[] | undefined;
}

const OWN: readonly (keyof ExplainOptions)[] = ["formats", "session", "strict", "onTrouble"];

/** Why a recording answers a request, or why none does. */
export interface Explanation {
	/** The method and URL of the request. */
	readonly request: { readonly method: string; readonly url: string };
	/** The id of the recorded flow that answers; null: none does. */
	readonly recording: string | null;
	/**
	 * The recorded flows that match the request, in replay order, at most 1,000. There can be some even if none answers.
	 */
	readonly equal: readonly HttpFlow[];
	/**
	 * If none answers: the nearest recordings, nearest first, at most five, each with its differences and the options
	 * that would make it match.
	 */
	readonly nearest: readonly NearMiss[];
	/** A description of the parts that are compared. */
	readonly compared: string;
	/** The whole explanation as text, as `flowtape explain` prints it. */
	readonly text: string;
}

/**
 * Finds the recording that a replay would use first for a request, and explains why. If there is none, finds the
 * nearest recordings and explains the differences. Sends nothing.
 * @param tapes the tapes to answer from, in order
 * @throws FlowtapeError FT_USAGE for a request without an absolute URL, FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN,
 * and as `openTape`
 */
export async function explain(tapes: Source, request: RequestLike, options: ExplainOptions = {}): Promise<Explanation> {
	const { optionValues } = await import("./options.ts");
	const { REPLAY_PREFIX: prefix } = await import("./live-options.ts");
	const { matchingOptions } = await import("../src/hooks/server-replay.ts");
	const { requestOf } = await import("./request-like.ts");
	const { formats, session } = options;
	const values = optionValues(matchingOptions, options, { verb: "explain", prefix, others: OWN });
	const parsed = requestOf(request);
	const recordings = await openRecordings(tapes, { report: new TroubleLog(options).report, formats });
	return explainAmong(recordings, parsed, { ...values, session });
}

/** As `explain`, but with open tapes, which it closes. */
export async function explainAmong(
	recordings: readonly RecordedTape[],
	request: Request,
	values: ExplainValues,
): Promise<Explanation> {
	const { closeRecordings } = await import("./recordings.ts");
	try {
		return await explanation(recordings, request, values);
	} finally {
		await closeRecordings(recordings);
	}
}

async function explanation(
	recordings: readonly RecordedTape[],
	request: Request,
	values: ExplainValues,
): Promise<Explanation> {
	const { openIndex } = await import("../src/hooks/server-replay.ts");
	const { requestFlow } = await import("../src/flow/request-flow.ts");
	const { sessionNameOf } = await import("../src/flow/session.ts");
	const { orderText, rulesText } = await import("../src/replay/match/rules-text.ts");
	const index = await openIndex(values, recordings);
	const summary = { method: request.method, url: index.shownUrl(request) };
	const compared = rulesText(index.rules, values);
	const equal = index.equalRecordings(request).map(({ flow }) => flow);
	const session = sessionNameOf(values.session ?? "");
	const recording = index.takeRecording(requestFlow(request), session ?? "");
	if (recording !== null) {
		const { hitText } = await import("../src/replay/explain/hit-text.ts");
		const order = orderText(index.order, equal.some((flow) => flow.session !== null) ? index.sessionOrder : null);
		const text = hitText(summary, recording.id, equal, { compared, order });
		return { request: summary, recording: recording.id, equal, nearest: [], compared, text };
	}
	const { missText } = await import("../src/replay/explain/miss-text.ts");
	const { NearMisses } = await import("../src/replay/explain/near-miss.ts");
	const nearest = (await new NearMisses(index).nearestTo(request, { limit: 5, session })) ?? [];
	return {
		request: summary,
		recording: null,
		equal,
		nearest,
		compared,
		text: `${missText(summary, nearest)}compared: ${compared}\n`,
	};
}
