// `record`: starts a proxy that records the traffic to a tape.
import type { recordOptions } from "./live-options.ts";
import type { PartialOptions } from "./options.ts";
import { type ProxyHandle, type ProxyOptions, proxyOptionNames, RENAMED, startProxy } from "./proxy.ts";
import { fileOf, filesIn } from "./source.ts";
import type { FormatName, TapePath } from "./tape.ts";

const renamed = { ...RENAMED, save_stream_filter: "filter" } as const;

type Given = Omit<PartialOptions<typeof recordOptions, "", typeof renamed>, keyof ProxyOptions>;

/** Options of `record`: those of `flowtape record` in camelCase (docs/options.md), and the following. */
export interface RecordOptions extends Given, ProxyOptions {
	/** The tape. Flows are appended to an existing one. Default: flows are not stored. */
	readonly to?: TapePath | undefined;
	/** The format of `to`; default: by its extension. */
	readonly format?: FormatName | undefined;
	/** Records only flows that match this expression (docs/filters.md) when they are complete. Default: all. */
	readonly filter?: string | undefined;
	/**
	 * Tapes to answer requests from. Requests without a recording are forwarded, unless `serverReplayExtra` says
	 * otherwise. Default: none.
	 */
	readonly from?: TapePath | readonly TapePath[] | undefined;
	/** Whether the tape also survives a power failure: every commit waits for the disk. Default: false. */
	readonly durable?: boolean | undefined;
	/** Whether the proxy may connect to servers; default: true. */
	readonly network?: boolean | undefined;
}

const OWN: readonly (keyof RecordOptions)[] = [...proxyOptionNames, "to", "from", "format", "durable", "network"];

/**
 * Starts a proxy that records; resolves when it accepts connections. Close it at the end: otherwise the last flows may
 * be lost.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT;
 * the signal's reason if it is aborted
 */
export async function record(options: RecordOptions): Promise<ProxyHandle> {
	const { optionValues } = await import("./options.ts");
	const { recordOptions } = await import("./live-options.ts");
	const { flagWording } = await import("../src/replay/explain/wording.ts");
	const { to, from = [], port = 0, format, durable, network = true } = options;
	const values = optionValues(recordOptions, { ...options, port }, { verb: "record", renamed, others: OWN });
	return startProxy(
		{
			values,
			output: to === undefined ? null : fileOf(to),
			format,
			recordings: filesIn(from),
			network,
			durable,
			wording: flagWording(""),
		},
		options,
	);
}
