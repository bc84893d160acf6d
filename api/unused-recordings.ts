// Reads the reports of replay runs, to find recordings that were never used.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { FlowtapeError, hasErrno } from "../src/errors.ts";

interface Usage {
	unused: Set<string>;
	served: Set<string>;
}

/**
 * The ids of recordings that are unused in all given reports. A recording that answered a request counts as used, even
 * if a report also lists its id as unused. That happens if another tape has a recording with the same id, or if the
 * recording answered a request of another kind.
 * @throws FlowtapeError FT_NOT_FOUND, FT_UNKNOWN_FORMAT
 */
export async function unusedInAll(reports: readonly string[]): Promise<Set<string>> {
	const usages = await Promise.all(reports.map(readUsage));
	const isUnused = (id: string) => usages.every(({ unused, served }) => unused.has(id) && !served.has(id));
	return new Set([...(usages[0]?.unused ?? [])].filter(isUnused));
}

/**
 * The ids of the unused recordings in a report, and of those that answered.
 * @throws FlowtapeError FT_NOT_FOUND, FT_UNKNOWN_FORMAT
 */
async function readUsage(path: string): Promise<Usage> {
	const [unused, served] = [new Set<string>(), new Set<string>()];
	let line = 0;
	try {
		for await (const text of createInterface(createReadStream(path))) {
			line++;
			const { event, id, recording } = JSON.parse(text) as { event?: unknown; id?: unknown; recording?: unknown };
			if (typeof event !== "string") throw new SyntaxError();
			if (event === "unused" && typeof id === "string") unused.add(id);
			if (event === "served" && typeof recording === "string") served.add(recording);
		}
	} catch (cause) {
		if (hasErrno(cause, "ENOENT"))
			throw new FlowtapeError("FT_NOT_FOUND", `${path}: no such file`, { file: path, cause });
		if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
		throw new FlowtapeError(
			"FT_UNKNOWN_FORMAT",
			`${path}: line ${line}: expected an event of a report that replay-server --report has written`,
			{
				file: path,
				record: line,
				cause,
			},
		);
	}
	return { unused, served };
}
