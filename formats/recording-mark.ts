// Marks a file to which a process appends, by a file beside it whose name contains the process. Other processes then do
// not replace the marked file.
import { randomBytes } from "node:crypto";
import { readdir, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlowtapeError } from "../src/errors.ts";
import { isProcessGone, isProcessRunning, MARK, processMark } from "../src/process-mark.ts";

const REST = new RegExp(`^(${MARK.source})-[0-9a-f]{8}\\.recording$`);

function beginningOf(target: string): string {
	return `.${basename(target)}.`;
}

/** Marks a file as appended to by this process. Returns a function that removes the mark. */
export async function markRecording(path: string): Promise<() => Promise<void>> {
	const target = await realpath(path).catch(() => path);
	const mark = join(
		dirname(target),
		`${beginningOf(target)}${processMark()}-${randomBytes(4).toString("hex")}.recording`,
	);
	// appending works without the mark too, if files cannot be created here
	await writeFile(mark, "", { flag: "wx" }).catch(() => {});
	return () => rm(mark, { force: true });
}

/** @throws FlowtapeError FT_IO if another process appends to the file */
export async function refuseRecorded(path: string, advice: string): Promise<void> {
	const target = await realpath(path).catch(() => path);
	const folder = dirname(target);
	const beginning = beginningOf(target);
	for (const name of await readdir(folder).catch(() => [])) {
		const mark = name.startsWith(beginning) ? REST.exec(name.slice(beginning.length))?.[1] : undefined;
		if (mark === undefined || mark === processMark()) continue;
		if (isProcessRunning(mark))
			throw new FlowtapeError("FT_IO", `${path}: process ${mark.split("-")[1]} is recording to this file: ${advice}`, {
				file: path,
			});
		if (isProcessGone(mark)) await rm(join(folder, name), { force: true }).catch(() => {});
	}
}
