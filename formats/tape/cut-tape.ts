// Reads tapes whose file was truncated, for example by an interrupted copy. SQLite does not open a file shorter than
// its header says.
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { copyFile, rm, truncate } from "node:fs/promises";
import { join } from "node:path";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { isOpen } from "../../src/store/sqlite/open-files.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";
import type { SourceOptions } from "../format.ts";
import { outputError } from "../output-error.ts";

/** https://www.sqlite.org/fileformat2.html section 1.3 */
const HEAD_BYTES = 100;
const LARGEST_PAGE = 65_536;
/** Maximum plausible size of a tape in bytes; a header with a larger size is damaged. */
const LARGEST_TAPE = 2 ** 40;

/**
 * The size of a tape (`size`) and its size according to the header (`whole`), in bytes; null if nothing is missing.
 * Synchronous and cheap, because it runs for every tape.
 */
export function missingEnd(path: string): { size: number; whole: number } | null {
	// SQLite has it open, so it is whole; reading it here could release its locks
	if (isOpen(path)) return null;
	const file = openSync(path, "r");
	try {
		const head = Buffer.alloc(HEAD_BYTES);
		readSync(file, head, 0, HEAD_BYTES, 0);
		const missing = missingAfter(head, fstatSync(file).size);
		// missing pages may be in the write-ahead log
		return missing === null || existsSync(`${path}-wal`) ? null : missing;
	} finally {
		closeSync(file);
	}
}

/**
 * As `missingEnd`, for a tape without a log.
 * @param head its first 100 bytes
 */
export function missingAfter(head: Buffer, size: number): { size: number; whole: number } | null {
	// the page count is valid only if the change counter equals the version-valid-for number
	if (head.readUInt32BE(24) !== head.readUInt32BE(92)) return null;
	const pageSize = head.readUInt16BE(16);
	const whole = (pageSize === 1 ? LARGEST_PAGE : pageSize) * head.readUInt32BE(28);
	return size < whole ? { size, whole } : null;
}

/**
 * Reads the remaining flows of such a tape from a copy in which empty pages replace the missing ones. Applies filters
 * here, because the indexes are at the end of a tape.
 * @param name for messages
 */
export async function* readCut(
	{ path, name, whole, size }: { path: string; name: string; size: number; whole: number },
	read: (path: string, report: Reporter) => AsyncIterable<Flow[]>,
	options: SourceOptions,
): AsyncGenerator<Flow[]> {
	const folder = await createTemporaryFolder("flowtape-");
	const copy = join(folder, "cut.tape");
	const report: Reporter = (code, message, detail) =>
		options.report(code, message.replace(copy, name), { ...detail, file: name });
	try {
		await copyFile(path, copy)
			.then(() => truncate(copy, Math.min(whole, LARGEST_TAPE)))
			.catch((error: unknown) => {
				throw outputError(copy, error);
			});
		yield* readRemains({ name, whole, size }, read(copy, report), options);
	} finally {
		await rm(folder, { recursive: true });
	}
}

/**
 * Reports the missing end of a tape, and yields the whole flows that match.
 * @param flows flows of a tape in which empty pages replace the missing ones
 */
export async function* readRemains(
	{ name, whole, size }: { name: string; size: number; whole: number },
	flows: AsyncIterable<Flow[]>,
	{ report, filter, ids }: SourceOptions,
): AsyncGenerator<Flow[]> {
	report("FT_STORE", `${name}: byte ${size}: the tape is cut off here; expected ${whole} bytes`, {
		file: name,
		offset: size,
	});
	const isWanted = (flow: Flow) => isWhole(flow) && (ids?.includes(flow.id) ?? true) && (filter?.matches(flow) ?? true);
	try {
		for await (const batch of flows) yield batch.filter(isWanted);
	} catch (error) {
		// the damage has been reported
		if (!FlowtapeError.is(error, "FT_STORE")) throw error;
	}
}

/** Whether all bodies of a flow can be read; they are lazy. */
function isWhole(flow: Flow): boolean {
	if (flow.type !== "http") return true;
	try {
		return [flow.request, flow.response].every((message) => message?.rawContent !== undefined || message === null);
	} catch (error) {
		if (error instanceof FlowtapeError) return false;
		throw error;
	}
}
