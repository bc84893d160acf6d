// Prints the flows of a tape and those that are appended to it, until a signal ends the command.
import { setTimeout } from "node:timers/promises";
import { detectFormat } from "../../api/formats.ts";
import { FlowtapeError } from "../../src/errors.ts";
import type { Filter } from "../../src/filter/filter.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { openStore } from "../../src/store/sqlite/store.ts";
import type { Io } from "../cli/command.ts";
import { Troubles } from "./copy-flows.ts";

/** How often the tape is checked for new flows, in milliseconds. */
const INTERVAL_MS = 100;

export interface FollowJob {
	/** The option that asks for it, for errors. */
	readonly option: string;
	readonly tapes: readonly string[];
	/** Default: all flows. */
	readonly filter?: Filter | undefined;
	/** Whether damage ends the command. */
	readonly strict: boolean;
	readonly print: (flow: Flow) => Iterable<string>;
	/** Ends after this many flows; default: never. */
	readonly limit?: number | undefined;
}

/**
 * Resolves to the exit status, which a signal does not change: 0, or that of damage.
 * @throws FlowtapeError FT_USAGE unless there is one tape and it is a .tape, FT_NOT_FOUND, FT_STORE
 */
export async function followTape({ option, tapes, filter, strict, print, limit }: FollowJob, io: Io): Promise<number> {
	const [path = "-", ...others] = tapes;
	if (others.length > 0 || path === "-")
		throw new FlowtapeError("FT_USAGE", `${option} follows one tape: give the name of one file`);
	const format = await detectFormat(path);
	if (format !== undefined && format !== "tape")
		throw new FlowtapeError("FT_USAGE", `${option} needs a .tape, found ${format}: ${path}`, { file: path });
	const troubles = new Troubles(io, { strict });
	const store = openStore(path, { mode: "read", report: troubles.report });
	try {
		const table = store.table();
		let version = -1;
		let last = 0;
		let left = limit ?? Number.POSITIVE_INFINITY;
		while (!io.signal.aborted && left > 0) {
			const now = table.version();
			if (now !== version) {
				version = now;
				const end = table.extent().last;
				for (const batch of table.matching(filter, last))
					for (const seq of batch) {
						if (seq > end || left === 0 || io.signal.aborted) break;
						const flow = table.flow(seq);
						if (flow === null) continue;
						for (const text of print(flow)) io.stdout.write(text);
						left--;
					}
				last = end;
			}
			await setTimeout(INTERVAL_MS, undefined, { signal: io.signal }).catch(() => {});
		}
		troubles.end(null);
		return troubles.status;
	} finally {
		await store.close();
	}
}
