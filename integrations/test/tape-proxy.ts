// The run, the recordings and the options of the proxy for a test's tape, in every runner. The configuration file of the
// project sets what the test does not.
import { configuredValues, readConfiguration } from "../../api/configuration.ts";
import type { LiveValues } from "../../api/live.ts";
import { REPLAY_PREFIX, replayOptions } from "../../api/live-options.ts";
import { checkValue } from "../../api/option-value.ts";
import { optionValues } from "../../api/options.ts";
import { recordModeOf, TapeRun, options as tapeOptions } from "../../api/tape-run.ts";
import { FlowSource } from "../../src/flow/pipe.ts";
import { matchingOptions } from "../../src/hooks/server-replay.ts";
import { defaults, type OptionTable, type OptionValues } from "../../src/options.ts";
import type { RecordedTape } from "../../src/replay/recordings/index-of-tapes.ts";
import type { MatchOptions, RecordMode } from "./options.ts";
import { redactionValues } from "./redact-rules.ts";

/** The options of the proxy and of the run. */
const table = { ...replayOptions, ...tapeOptions } as const satisfies OptionTable;

/** A project cannot set the listening address, the answer to a miss, or sessions. */
const FIXED: ReadonlySet<string> = new Set([
	"mode",
	"listen_host",
	"listen_port",
	"proxyauth",
	"certs",
	"cert_passphrase",
	"session",
	"server_replay_extra",
	"server_replay_kill_extra",
]);

/** The values of the configuration file, and the defaults of what it does not set. */
export type TapeConfiguration = OptionValues<typeof table>;

/**
 * Reads the configuration file in the working folder.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export async function readTapeConfiguration(): Promise<TapeConfiguration> {
	const found = Object.entries(configuredValues(table, await readConfiguration(null)));
	return { ...defaults(table), ...Object.fromEntries(found.filter(([name]) => !FIXED.has(name))) };
}

export interface TapeRunOptions {
	/** The absolute path of the tape. */
	readonly tape: string;
	/** The option `mode`; null: it is not set. */
	readonly mode: string | null;
	/** The option of this name; null: it is not set. */
	readonly recordFailures: boolean | null;
	/** Its FLOWTAPE_RECORD_MODE wins over the option. */
	readonly env: NodeJS.ProcessEnv;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_IO */
export function openRun(options: TapeRunOptions, configuration: TapeConfiguration): Promise<TapeRun> {
	const { tape, env, recordFailures } = options;
	const mode = recordModeOf(env) ?? checkValue(tapeOptions.record_mode, options.mode, "mode");
	return TapeRun.open({
		tape,
		mode: (mode as RecordMode | null) ?? configuration.record_mode,
		env,
		format: null,
		keepsFailures: recordFailures ?? configuration.record_failures,
	});
}

/** The recordings of a run. If there is no tape, every request is a miss. */
export function recordingsOf(run: TapeRun, recordings: readonly string[]): (string | RecordedTape)[] {
	return recordings.map((tape) => (run.exists ? tape : FlowSource.of(async function* () {})));
}

export interface TapeProxyOptions {
	readonly match: MatchOptions;
	/** The answer to a request without a recording, as in `extra`. */
	readonly miss: string;
	/** Rules of redaction; null: nothing is redacted, unless the configuration says so. */
	readonly redact: readonly string[] | null;
	/** Whether the certificates of servers are checked. Default: true, unless the configuration says otherwise. */
	readonly checksCertificates?: boolean;
}

/**
 * The options of the proxy.
 * @param replays whether recordings answer
 * @throws FlowtapeError FT_BAD_OPTION, named as the options `match` and `miss`
 */
export function proxyValues(
	run: TapeRun,
	configuration: TapeConfiguration,
	{ match, miss, redact, checksCertificates = true }: TapeProxyOptions,
	replays: boolean,
): LiveValues {
	const prefix = REPLAY_PREFIX;
	const fixed = { listenPort: 0, extra: miss as "404", ...(!checksCertificates && { sslInsecure: true }) };
	const values = run.withTapeDefaults({
		...optionValues(replayOptions, fixed, { verb: "miss", prefix, base: configuration }),
		...optionValues(matchingOptions, match, { verb: "match", prefix, base: pick(matchingOptions, configuration) }),
		...redactionValues(redact, configuration),
	});
	// while it replays, the proxy must not connect to a server before a request needs it
	return replays ? { ...values, connection_strategy: "lazy" } : values;
}

/** The values of a table's options. */
function pick<T extends OptionTable>(options: T, values: OptionValues<T>): OptionValues<T> {
	return Object.fromEntries(Object.keys(options).map((name) => [name, values[name]])) as OptionValues<T>;
}
