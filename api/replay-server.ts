// `replayServer`: starts a proxy that answers from tapes. It connects to servers only if an option says so.

import { FlowtapeError } from "../src/errors.ts";
import type { MatchFunction } from "../src/replay/recordings/index-of-tapes.ts";
import type { REPLAY_PREFIX, replayOptions } from "./live-options.ts";
import type { PartialOptions } from "./options.ts";
import { type ProxyHandle, type ProxyOptions, proxyOptionNames, RENAMED, startProxy } from "./proxy.ts";
import { fileOf, filesIn } from "./source.ts";
import type { FormatName, TapePath } from "./tape.ts";

type Given = Omit<
	PartialOptions<typeof replayOptions, typeof REPLAY_PREFIX, typeof RENAMED>,
	keyof ProxyOptions | "match"
>;

/**
 * Options of `replayServer`: those of `flowtape replay-server` in camelCase, without `server_replay_`
 * (docs/options.md), and the following.
 */
export interface ReplayServerOptions extends Given, ProxyOptions {
	/** The tapes to answer from, in order. */
	readonly from: TapePath | readonly TapePath[];
	/** A last check: whether a recording that matches by all other options may answer the request. Default: it may. */
	readonly match?: MatchFunction | null | undefined;
	/** A tape for the flows that were answered or forwarded. Default: they are not stored. */
	readonly to?: TapePath | undefined;
	/** The format of `to`; default: by its extension. */
	readonly format?: FormatName | undefined;
	/**
	 * Whether the proxy may connect to servers; default: only if `extra` is `forward`. If not, it resolves no names and
	 * opens no connections.
	 */
	readonly network?: boolean | undefined;
}

const OWN: readonly (keyof ReplayServerOptions)[] = [...proxyOptionNames, "from", "to", "format", "network"];

/**
 * Starts a proxy that answers from tapes; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT,
 * FT_CORRUPT_FLOW for damaged recordings unless `onTrouble` or `strict` says to skip them; the signal's reason if it is
 * aborted
 */
export async function replayServer(options: ReplayServerOptions): Promise<ProxyHandle> {
	const { optionValues } = await import("./options.ts");
	const { REPLAY_PREFIX: prefix, replayOptions } = await import("./live-options.ts");
	const { from, to, port = 0, format, network } = options;
	const recordings = filesIn(from ?? []);
	if (recordings.length === 0)
		throw new FlowtapeError("FT_USAGE", "replayServer: expected at least one tape in `from`");
	const context = { verb: "replayServer", prefix, renamed: RENAMED, others: OWN };
	const values = optionValues(replayOptions, { ...options, port }, context);
	const reaches = network ?? values.server_replay_extra === "forward";
	return startProxy(
		{ values, output: to === undefined ? null : fileOf(to), format, recordings, network: reaches },
		options,
	);
}
