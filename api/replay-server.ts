// `replayServer`: a proxy that answers from tapes, and reaches no server unless told to.

import { FlowtapeError } from "../src/errors.ts";
import type { MatchFunction } from "../src/replay/recordings/index-of-tapes.ts";
import type { REPLAY_PREFIX, replayOptions } from "./live-options.ts";
import type { GivenOptions } from "./options.ts";
import { type ProxyHandle, type ProxyOptions, startProxy } from "./proxy.ts";
import { filesIn } from "./record.ts";
import { fileOf } from "./source.ts";
import type { FormatName, TapePath } from "./tape.ts";

type Given = Omit<GivenOptions<typeof replayOptions, typeof REPLAY_PREFIX>, "match">;

/** The options of `flowtape replay-server` in camelCase, without `server_replay_` in front (docs/options.md), and: */
export interface ReplayServerOptions extends Given, ProxyOptions {
	/** The tapes to answer from, in order. */
	readonly from: TapePath | readonly TapePath[];
	/** Whether a recording that the other options do not tell apart from a request may answer it. */
	readonly match?: MatchFunction | null | undefined;
	/** Where to record what was answered and what was forwarded; default: nowhere. */
	readonly to?: TapePath | undefined;
	/** Default: told by the extension of `to`. */
	readonly format?: FormatName | undefined;
	/** Whether servers may be connected to; default: where `extra` is `forward`. Without, no name is resolved and no connection opened. */
	readonly network?: boolean | undefined;
}

const OWN = ["from", "to", "port", "host", "ca", "hooks", "formats", "format", "network", "env", "signal", "strict", "onTrouble"];

/**
 * Starts a proxy that answers from tapes; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT, FT_CORRUPT_FLOW for damaged recordings
 * unless `onTrouble` or `strict` says to skip them; the reason of `signal`
 */
export async function replayServer(options: ReplayServerOptions): Promise<ProxyHandle> {
	const { optionValues } = await import("./options.ts");
	const { REPLAY_PREFIX: prefix, replayOptions } = await import("./live-options.ts");
	const { from, to, port, host, ca, hooks, formats, format, network, env, signal, strict, onTrouble, ...given } = options;
	const recordings = filesIn(from ?? []);
	if (recordings.length === 0) throw new FlowtapeError("FT_USAGE", "replayServer: a tape to answer from was expected in `from`");
	const values = optionValues(
		replayOptions,
		{ ...given, listenPort: port ?? given.listenPort ?? 0, listenHost: host ?? given.listenHost },
		{ verb: "replayServer", prefix, others: OWN },
	);
	const reaches = network ?? values.server_replay_extra === "forward";
	return startProxy(
		{ values, output: to === undefined ? null : fileOf(to), format, recordings, network: reaches },
		{ ca, hooks, formats, env, signal, strict, onTrouble },
	);
}
