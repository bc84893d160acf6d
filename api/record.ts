// `record`: a proxy that writes what passes through it to a tape.
import type { recordOptions } from "./live-options.ts";
import type { GivenOptions } from "./options.ts";
import { type ProxyHandle, type ProxyOptions, startProxy } from "./proxy.ts";
import { fileOf } from "./source.ts";
import type { FormatName, TapePath } from "./tape.ts";

/** The options of `flowtape record` in camelCase (docs/options.md), and: */
export interface RecordOptions extends GivenOptions<typeof recordOptions>, ProxyOptions {
	/** The tape; flows are added to one that is there. Default: nothing is stored. */
	readonly to?: TapePath | undefined;
	/** Default: told by the extension of `to`. */
	readonly format?: FormatName | undefined;
	/** Record only flows that match (docs/filters.md), looked at when they are complete. */
	readonly filter?: string | undefined;
	/** Tapes that answer what they have recordings for; what they have none for goes to its server, unless `serverReplayExtra` says otherwise. */
	readonly from?: TapePath | readonly TapePath[] | undefined;
	/** Whether the tape survives the loss of power too: every commit waits for the disk. Default false. */
	readonly durable?: boolean | undefined;
	/** Whether servers may be connected to; default true. */
	readonly network?: boolean | undefined;
}

const OWN = ["to", "from", "port", "host", "ca", "hooks", "formats", "format", "filter", "durable", "network", "env", "signal", "strict", "onTrouble"];

/**
 * Starts a proxy that records; resolves when it accepts connections. Close it, or what is under way may be lost.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_USAGE, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT; the reason of `signal`
 */
export async function record(options: RecordOptions): Promise<ProxyHandle> {
	const { optionValues } = await import("./options.ts");
	const { recordOptions } = await import("./live-options.ts");
	const { to, from = [], port, host, ca, hooks, formats, format, filter, durable, network = true, env, signal, strict, onTrouble, ...given } = options;
	const values = optionValues(
		recordOptions,
		{ ...given, listenPort: port ?? given.listenPort ?? 0, listenHost: host ?? given.listenHost, saveStreamFilter: filter ?? given.saveStreamFilter },
		{ verb: "record", others: OWN },
	);
	return startProxy(
		{ values, output: to === undefined ? null : fileOf(to), format, recordings: filesIn(from), network, durable, flagPrefix: "" },
		{ ca, hooks, formats, env, signal, strict, onTrouble },
	);
}

/** One file, or several. */
export function filesIn(from: TapePath | readonly TapePath[]): string[] {
	return (typeof from === "string" || from instanceof URL ? [from] : from).map(fileOf);
}
