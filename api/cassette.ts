// A cassette: a tape that a run records when it has to, and that a failed or interrupted run leaves as it was.
import { copyFile, link, mkdir, mkdtemp, readdir, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createTape, openTape } from "../formats/index.ts";
import { FlowtapeError, hasErrno, type Reporter } from "../src/errors.ts";
import { endOf } from "../src/flow/ending.ts";
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSource, pipe } from "../src/flow/pipe.ts";
import { isOfDead, MARK, processMark } from "../src/process-mark.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { withLock } from "../src/store/sqlite/file-lock.ts";
import { closeAll } from "./copy-flows.ts";

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

/** Whether a flow is worth an answer in later runs: no failure, no error of the server. That a client left a stream is no failure. */
export function isSuccess(flow: Flow): boolean {
	if (flow.type !== "http") return flow.error === null;
	if (flow.response === null || flow.response.statusCode >= 500) return false;
	return flow.error === null || endOf(flow) !== "cut";
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

/** Of a draft's folder beside the tape; behind it stands the mark of its process. */
const FOLDER = ".flowtape-";
const OF_FOLDER = new RegExp(`^${FOLDER.replace(".", "\\.")}(${MARK.source})-`);

/** What a run has recorded so far, beside the tape. Several runs may record one tape at the same time, each a draft of its own. */
export class NewCassette {
	readonly file: string;
	readonly #tape: string;
	readonly #folder: string;
	/** The tape as it stood at the start, by another name; null: there was none. */
	readonly #before: string | null;

	private constructor(tape: string, folder: string, before: string | null) {
		this.#tape = tape;
		this.#folder = folder;
		this.#before = before;
		this.file = join(folder, "new.tape");
	}

	/**
	 * Makes the tape's folder too, where there is none.
	 * @param format as for `commit`: that the tape can be written in it is known before anything is recorded
	 * @throws FlowtapeError FT_IO, FT_USAGE
	 */
	static async beside(tape: string, format: string | null = null): Promise<NewCassette> {
		try {
			const parent = dirname(tape);
			await mkdir(parent, { recursive: true });
			await removeLeft(parent);
			await rehearse(tape, format);
			const folder = await mkdtemp(join(parent, `${FOLDER}${processMark()}-`));
			return new NewCassette(tape, folder, await keptAs(join(folder, "before"), tape));
		} catch (cause) {
			if (cause instanceof FlowtapeError) throw cause;
			throw cause instanceof Error ? new FlowtapeError("FT_IO", `${tape}: cannot be written: ${cause.message}`, { file: tape, cause }) : cause;
		}
	}

	/**
	 * Puts the new flows on the tape, whole or not at all; what other runs have put there meanwhile stays. Resolves to the number of new flows.
	 * @throws FlowtapeError FT_IO and those of reading the tape
	 */
	async commit(options: CommitOptions): Promise<number> {
		const target = await realpath(this.#tape).catch(() => this.#tape);
		return withLock(join(dirname(target), `.${basename(target)}.lock`), () => this.#commit(options));
	}

	async #commit(options: CommitOptions): Promise<number> {
		const sources: FlowSource[] = [];
		const open = async (path: string, report: Reporter): Promise<FlowSource> => {
			const source = await openTape(path, { report });
			sources.push(source);
			return source;
		};
		try {
			return await this.#commitFrom(open, options);
		} finally {
			await closeAll(sources);
		}
	}

	async #commitFrom(open: (path: string, report: Reporter) => Promise<FlowSource>, { format, keepsOld, report }: CommitOptions): Promise<number> {
		const wasReplaced = await this.#wasReplaced();
		const added = await open(this.file, report);
		let unread = 0;
		const counting: Reporter = (...told) => {
			unread++;
			report(...told);
		};
		const old = keepsOld || wasReplaced ? [await open(this.#tape, counting)] : [];
		const newcomers = wasReplaced ? new Newcomers(await this.#idsBefore(open, report), keepsOld) : null;
		const sink = await createTape(this.#tape, { format: format ?? undefined, report });
		try {
			await pipe(old, newcomers === null ? [] : [newcomers.stay], sink);
			// what cannot be read cannot be written again either
			if (unread > 0) throw unreadTape(this.#tape);
			const { read } = await pipe([added], newcomers === null ? [] : [newcomers.add], sink);
			if (read > 0) await sink.close();
			else await sink.discard();
			return read;
		} catch (error) {
			await sink.discard();
			throw error;
		}
	}

	/** Whether another run has put a tape in the place of the one at the start, or where there was none. */
	async #wasReplaced(): Promise<boolean> {
		const now = await stat(this.#tape).catch(() => null);
		if (now === null) return false;
		return this.#before === null || (await stat(this.#before)).ino !== now.ino;
	}

	async #idsBefore(open: (path: string, report: Reporter) => Promise<FlowSource>, report: Reporter): Promise<ReadonlySet<string>> {
		const ids = new Set<string>();
		if (this.#before === null) return ids;
		for await (const flows of await open(this.#before, report)) for (const { id } of flows) ids.add(id);
		return ids;
	}

	async close(): Promise<void> {
		await rm(this.#folder, { recursive: true, force: true });
	}
}

/** Whatever would fail in the end, such as an extension that tells no format, fails now. */
async function rehearse(tape: string, format: string | null): Promise<void> {
	const sink = await createTape(tape, { format: format ?? undefined, report: () => {} });
	await sink.discard?.();
}

function unreadTape(tape: string): FlowtapeError {
	const message = `${tape}: not all of it can be read, so that it is left as it was; flowtape convert brings what can be read to a new tape`;
	return new FlowtapeError("FT_CORRUPT_FLOW", message, { file: tape });
}

/** What came to the tape since the start of a run, and what of the run's own is to be added to it: a request that both have sent, once. */
class Newcomers {
	readonly #before: ReadonlySet<string>;
	readonly #keepsOld: boolean;
	/** How often each request was recorded by others. */
	readonly #counts = new Map<string, number>();

	constructor(before: ReadonlySet<string>, keepsOld: boolean) {
		this.#before = before;
		this.#keepsOld = keepsOld;
	}

	readonly stay = (flow: Flow): Flow | null => {
		if (this.#before.has(flow.id)) return this.#keepsOld ? flow : null;
		if (flow.type === "http") {
			const key = defaultRequestKey(flow);
			this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
		}
		return flow;
	};

	readonly add = (flow: Flow): Flow | null => {
		if (flow.type !== "http") return flow;
		const key = defaultRequestKey(flow);
		const count = this.#counts.get(key) ?? 0;
		if (count > 0) this.#counts.set(key, count - 1);
		return count > 0 ? null : flow;
	};
}

/** A second name for a file, in time before another takes its place; null where there is none. */
async function keptAs(name: string, tape: string): Promise<string | null> {
	try {
		const target = await realpath(tape);
		// not every file system has links
		await link(target, name).catch(() => copyFile(target, name));
		return name;
	} catch (error) {
		if (hasErrno(error, "ENOENT", "ENOTDIR", "EISDIR")) return null;
		throw error;
	}
}

/** Removes the drafts of processes that were killed. */
async function removeLeft(parent: string): Promise<void> {
	for (const name of await readdir(parent)) {
		const mark = OF_FOLDER.exec(name)?.[1];
		if (mark !== undefined && isOfDead(mark)) await rm(join(parent, name), { recursive: true, force: true }).catch(() => {});
	}
}
