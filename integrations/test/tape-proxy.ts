// The recordings and options of the proxy for a test's tape, in every runner.
import type { LiveValues } from "../../api/live.ts";
import { REPLAY_PREFIX, replayOptions } from "../../api/live-options.ts";
import { optionValues } from "../../api/options.ts";
import type { TapeRun } from "../../api/tape-run.ts";
import { FlowSource } from "../../src/flow/pipe.ts";
import { matchingOptions } from "../../src/hooks/server-replay.ts";
import type { RecordedTape } from "../../src/replay/recordings/index-of-tapes.ts";
import type { MatchOptions } from "./options.ts";
import { redactionValues } from "./redact-rules.ts";

export interface TapeProxyOptions {
	readonly match: MatchOptions;
	/** The answer to a request without a recording, as in `extra`. */
	readonly miss: string;
	/** Rules of redaction; null: nothing is redacted. */
	readonly redact: readonly string[] | null;
	/** Whether the certificates of servers are checked. Default: true. */
	readonly checksCertificates?: boolean;
}

/** The recordings of a run. If there is no tape, every request is a miss. */
export function recordingsOf(run: TapeRun, recordings: readonly string[]): (string | RecordedTape)[] {
	return recordings.map((tape) => (run.exists ? tape : FlowSource.of(async function* () {})));
}

/**
 * The options of the proxy.
 * @param replays whether recordings answer
 * @throws FlowtapeError FT_BAD_OPTION, named as the options `match` and `miss`
 */
export function proxyValues(
	run: TapeRun,
	{ match, miss, redact, checksCertificates = true }: TapeProxyOptions,
	replays: boolean,
): LiveValues {
	const values = run.withTapeDefaults({
		...optionValues(
			replayOptions,
			{ listenPort: 0, sslInsecure: !checksCertificates, extra: miss as "404" },
			{ verb: "miss", prefix: REPLAY_PREFIX },
		),
		...optionValues(matchingOptions, match, { verb: "match", prefix: REPLAY_PREFIX }),
		...(redact !== null && redactionValues(redact)),
	});
	// while it replays, the proxy must not connect to a server before a request needs it
	return replays ? { ...values, connection_strategy: "lazy" } : values;
}
