// A cassette: a tape that a run records when it has to, and that a failed or interrupted run leaves as it was.
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createTape, openTape } from "../formats/index.ts";
import { FlowtapeError, hasErrno, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { pipe } from "../src/flow/pipe.ts";

export const RECORD_MODES = ["once", "none", "new-episodes", "all"] as const;
export type RecordMode = (typeof RECORD_MODES)[number];

/** What a run does with its tape. */
export interface Plan {
	/** Whether requests are answered from the tape. */
	readonly replays: boolean;
	/** Whether requests reach their servers and are recorded. */
	readonly records: boolean;
}

/** By the mode, and whether there is a tape already. */
export function planOf(mode: RecordMode, exists: boolean): Plan {
	switch (mode) {
		case "none":
			return { replays: true, records: false };
		case "all":
			return { replays: false, records: true };
		case "once":
			return { replays: exists, records: !exists };
		case "new-episodes":
			return { replays: exists, records: true };
	}
}

export async function isThere(tape: string): Promise<boolean> {
	try {
		await stat(tape);
		return true;
	} catch (error) {
		if (hasErrno(error, "ENOENT", "ENOTDIR")) return false;
		throw error;
	}
}

/** Whether a flow is worth an answer in later runs: no failure, no error of the server. */
export function isSuccess(flow: Flow): boolean {
	if (flow.error !== null) return false;
	return flow.type !== "http" || (flow.response !== null && flow.response.statusCode < 500);
}

/** Whether a flow was answered by its server in this run. */
export function isNew(flow: Flow): boolean {
	return flow.type !== "http" || flow.isReplay !== "response";
}

export interface CommitOptions {
	/** Name of the tape's format; null: told by the extension. */
	format: string | null;
	/** Whether the flows that the tape holds stay, before the new ones. */
	keepsOld: boolean;
	report: Reporter;
}

/** What a run has recorded so far, beside the tape. */
export class Draft {
	readonly file: string;
	readonly #tape: string;
	readonly #folder: string;

	private constructor(tape: string, folder: string) {
		this.#tape = tape;
		this.#folder = folder;
		this.file = join(folder, "new.tape");
	}

	/** Makes the tape's folder too, where there is none. @throws FlowtapeError FT_IO */
	static async beside(tape: string): Promise<Draft> {
		try {
			await mkdir(dirname(tape), { recursive: true });
			return new Draft(tape, await mkdtemp(join(dirname(tape), ".flowtape-")));
		} catch (cause) {
			throw cause instanceof Error ? new FlowtapeError("FT_IO", `${tape}: cannot be written: ${cause.message}`, { file: tape, cause }) : cause;
		}
	}

	/** Puts the new flows on the tape, whole or not at all; resolves to their number. @throws FlowtapeError FT_IO and those of reading the tape */
	async commit({ format, keepsOld, report }: CommitOptions): Promise<number> {
		const added = await openTape(this.file, { report });
		const old = keepsOld ? [await openTape(this.#tape, { report })] : [];
		const sink = await createTape(this.#tape, { format: format ?? undefined, report });
		try {
			await pipe(old, [], sink);
			const { passed } = await pipe([added], [], sink);
			if (passed > 0) await sink.close();
			else await sink.discard?.();
			return passed;
		} catch (error) {
			await sink.discard?.();
			throw error;
		}
	}

	async close(): Promise<void> {
		await rm(this.#folder, { recursive: true, force: true });
	}
}
