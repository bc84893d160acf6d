// A tape whose file was cut off, as by a copy that did not come to its end: SQLite opens none that is shorter than its head says.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { copyFile, mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import type { SourceOptions } from "../format.ts";
import { outputError } from "../output-error.ts";

/** https://www.sqlite.org/fileformat2.html section 1.3 */
const HEAD_BYTES = 100;
const LARGEST_PAGE = 65_536;
/** What a tape may have been; a head that claims more is damaged itself. */
const LARGEST_TAPE = 2 ** 40;

/** Where a tape ends and where it should have ended, in bytes; null where nothing is missing. At once: every tape that is read is asked. */
export function missingEnd(path: string): { size: number; whole: number } | null {
	const file = openSync(path, "r");
	try {
		const head = Buffer.alloc(HEAD_BYTES);
		readSync(file, head, 0, HEAD_BYTES, 0);
		const { size } = fstatSync(file);
		// the count of pages is good only where it was written together with the counter of changes, and a log may hold what is missing
		if (head.readUInt32BE(24) !== head.readUInt32BE(92) || existsSync(`${path}-wal`)) return null;
		const pageSize = head.readUInt16BE(16);
		const whole = (pageSize === 1 ? LARGEST_PAGE : pageSize) * head.readUInt32BE(28);
		return size < whole ? { size, whole } : null;
	} finally {
		closeSync(file);
	}
}

/**
 * What can be had of such a tape: it is read from a copy in which the missing pages are empty. Filters are asked here, because the indexes
 * of a tape stand at its end.
 * @param name as messages name it
 */
export async function* readCut(
	{ path, name, whole, size }: { path: string; name: string; size: number; whole: number },
	read: (path: string, report: Reporter) => AsyncIterable<Flow[]>,
	{ report, filter, ids }: SourceOptions,
): AsyncGenerator<Flow[]> {
	report("FT_STORE", `${name}: byte ${size}: the tape is cut off here, it had ${whole} bytes`, { file: name, offset: size });
	const folder = await mkdtemp(join(tmpdir(), "flowtape-"));
	const copy = join(folder, "cut.tape");
	const isWanted = (flow: Flow) => isWhole(flow) && (ids?.includes(flow.id) ?? true) && (filter?.matches(flow) ?? true);
	try {
		await copyFile(path, copy)
			.then(() => truncate(copy, Math.min(whole, LARGEST_TAPE)))
			.catch((error: unknown) => {
				throw outputError(copy, error);
			});
		for await (const flows of read(copy, (code, message, detail) => report(code, message.replace(copy, name), { ...detail, file: name })))
			yield flows.filter(isWanted);
	} catch (error) {
		// that it is damaged is told already
		if (!(error instanceof FlowtapeError) || error.code !== "FT_STORE") throw error;
	} finally {
		await rm(folder, { recursive: true });
	}
}

/** Whether its bodies are there, which are not read before they are asked for. */
function isWhole(flow: Flow): boolean {
	if (flow.type !== "http") return true;
	try {
		return [flow.request, flow.response].every((message) => message?.rawContent !== undefined || message === null);
	} catch (error) {
		if (error instanceof FlowtapeError) return false;
		throw error;
	}
}
