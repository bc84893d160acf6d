// A file that flows are added to is in use until its recording ends: a file beside it says so, which names the process.
import { randomBytes } from "node:crypto";
import { readdir, realpath, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { FlowtapeError } from "../src/errors.ts";
import { isAlive, isOfDead, MARK, processMark } from "../src/process-mark.ts";

const REST = new RegExp(`^(${MARK.source})-[0-9a-f]{8}\\.recording$`);

function beginningOf(target: string): string {
	return `.${basename(target)}.`;
}

/** Says that this process adds to a file. What comes back takes that back. */
export async function markRecording(path: string): Promise<() => Promise<void>> {
	const target = await realpath(path).catch(() => path);
	const mark = join(dirname(target), `${beginningOf(target)}${processMark()}-${randomBytes(4).toString("hex")}.recording`);
	// who may not make files here can still add to one
	await writeFile(mark, "", { flag: "wx" }).catch(() => {});
	return () => rm(mark, { force: true });
}

/** @throws FlowtapeError FT_IO where another process adds to the file */
export async function refuseRecorded(path: string, advice: string): Promise<void> {
	const target = await realpath(path).catch(() => path);
	const folder = dirname(target);
	const beginning = beginningOf(target);
	for (const name of await readdir(folder).catch(() => [])) {
		const mark = name.startsWith(beginning) ? REST.exec(name.slice(beginning.length))?.[1] : undefined;
		if (mark === undefined || mark === processMark()) continue;
		if (isAlive(mark)) throw new FlowtapeError("FT_IO", `${path}: process ${mark.split("-")[1]} records to this file, ${advice}`, { file: path });
		if (isOfDead(mark)) await rm(join(folder, name), { force: true }).catch(() => {});
	}
}
