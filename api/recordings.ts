// Opens the tapes to answer requests from: all of them, or none.
import { type MoreFormats, openRecordings } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import { isRedacted } from "../src/redact/options.ts";
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
	try {
		if (failure !== undefined) throw failure.reason;
		for (const [i, one] of recordings.entries()) await reportNewerRules(one, files[i], report);
		return recordings;
	} catch (error) {
		await closeRecordings(recordings);
		throw error;
	}
}

async function reportNewerRules(
	recording: RecordedTape,
	file: RecordingFile | RecordedTape | undefined,
	report: Reporter,
): Promise<void> {
	const notes = (await recording.notes?.()) ?? {};
	if (!isRedacted(notes) || file === undefined || !("path" in file)) return;
	const { newerVersion, RULES_VERSION } = await import("../src/redact/note.ts");
	const version = newerVersion(notes);
	if (version === null) return;
	const { path } = file;
	const message = `${path}: it was redacted by rules of version ${version}, and this flowtape has version ${RULES_VERSION}: a request with a secret that only newer rules find may have no recording: update flowtape`;
	report("FT_NEWER_RULES", message, { file: path });
}

function openFile({ path, ...options }: RecordingFile, report: Reporter): Promise<RecordedTape> {
	return openRecordings(path, { ...options, report });
}

/** Call when the recordings are no longer used. */
export async function closeRecordings(recordings: readonly RecordedTape[]): Promise<void> {
	for (const recording of recordings) await recording.close?.();
}
