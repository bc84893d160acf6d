// Opens the tapes to answer requests from: all of them, or none.
import { type MoreFormats, openRecordings } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";

/** A file, and the name of its format; default: detected. */
export interface RecordingFile extends MoreFormats {
	readonly path: string;
	readonly format?: string | undefined;
}

/**
 * Opens all files, besides tapes that are open already. If one cannot be opened, closes the others.
 * @throws FlowtapeError as `openTape`
 */
export async function openAllRecordings(
	files: readonly (RecordingFile | RecordedTape)[],
	report: Reporter,
): Promise<RecordedTape[]> {
	const opened = await Promise.allSettled(
		files.map((file) => ("path" in file ? openFile(file, report) : Promise.resolve(file))),
	);
	const recordings = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
	const failure = opened.find((one) => one.status === "rejected");
	if (failure === undefined) return recordings;
	await closeRecordings(recordings);
	throw failure.reason;
}

function openFile({ path, ...options }: RecordingFile, report: Reporter): Promise<RecordedTape> {
	return openRecordings(path, { ...options, report });
}

/** Call when the recordings are no longer used. */
export async function closeRecordings(recordings: readonly RecordedTape[]): Promise<void> {
	for (const recording of recordings) await recording.close?.();
}
