// A cassette: a tape that a run records if needed. A failed or interrupted run leaves the tape unchanged.
import { copyFile, link, mkdir, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createTape, openTape } from "../formats/index.ts";
import { FlowtapeError, hasErrno, type Reporter } from "../src/errors.ts";
import { endOf } from "../src/flow/ending.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import { type FlowSource, pipe } from "../src/flow/pipe.ts";
import { createMarkedFolder } from "../src/process-mark.ts";
import { defaultRequestKey } from "../src/replay/match/key.ts";
import { withLock } from "../src/store/sqlite/file-lock.ts";
import { closeSources } from "./copy-flows.ts";

export const RECORD_MODES = ["once", "none", "new-episodes", "all"] as const;
export type RecordMode = (typeof RECORD_MODES)[number];

/** How a run uses its tape. */
export interface RunPlan {
	/** Whether requests are answered from the tape. */
	readonly replays: boolean;
	/** Whether requests reach their servers and are recorded. */
	readonly records: boolean;
}

/** @param exists whether the tape exists */
export function runPlan(mode: RecordMode, exists: boolean): RunPlan {
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

export async function tapeExists(tape: string): Promise<boolean> {
	try {
		await stat(tape);
		return true;
	} catch (error) {
		if (hasErrno(error, "ENOENT", "ENOTDIR")) return false;
		throw error;
	}
}

/**
 * Whether a flow may be replayed in later runs: it did not fail, and its status is below 500. A stream that the client
 * closed did not fail.
 */
export function isSuccess(flow: Flow): boolean {
	if (flow.type !== "http") return flow.error === null;
	if (flow.response === null || flow.response.statusCode >= 500) return false;
	return flow.error === null || endOf(flow) !== "cut";
}

/** Whether the server, not a recording, sent the flow's response in this run. */
export function isNew(flow: Flow): boolean {
	return flow.type !== "http" || flow.isReplay !== "response";
}

export interface CommitOptions {
	/** Name of the tape's format; null: by the extension. */
	format: string | null;
	/** Whether the flows on the tape are kept, before the new ones. */
	keepsOld: boolean;
	report: Reporter;
	/** Notes to add to the tape; those on it stay as they are. Default: none. */
	notes?: Metadata;
	/** Ids of new flows that are left out. Default: none. */
	drops?: ReadonlySet<string> | undefined;
}

/** Start of the name of a draft's folder beside the tape; the mark of the process follows. */
const DRAFT_FOLDER_PREFIX = ".flowtape-";

/**
 * The draft of a tape: the flows that a run has recorded so far, in a folder beside the tape. Several runs can record
 * the same tape at once, each in its own draft.
 */
export class NewCassette {
	readonly file: string;
	readonly #tape: string;
	readonly #folder: string;
	/** The path of a link to the tape at the start, or of a copy; null: there was no tape. */
	readonly #before: string | null;

	private constructor(tape: string, folder: string, before: string | null) {
		this.#tape = tape;
		this.#folder = folder;
		this.#before = before;
		this.file = join(folder, "new.tape");
	}

	/**
	 * Creates the draft, and the tape's folder if it is missing.
	 * @param format as for `commit`; checked now, before anything is recorded
	 * @throws FlowtapeError FT_IO, FT_USAGE
	 */
	static async create(tape: string, format: string | null = null): Promise<NewCassette> {
		try {
			const parent = dirname(tape);
			await mkdir(parent, { recursive: true });
			await checkWritable(tape, format);
			const folder = await createMarkedFolder(parent, DRAFT_FOLDER_PREFIX);
			return new NewCassette(tape, folder, await linkOrCopy(join(folder, "before"), tape));
		} catch (cause) {
			if (cause instanceof FlowtapeError) throw cause;
			throw cause instanceof Error
				? new FlowtapeError("FT_IO", `${tape}: cannot be written: ${cause.message}`, { file: tape, cause })
				: cause;
		}
	}

	/**
	 * Adds the new flows to the tape, all or none. Flows that other runs have added meanwhile are kept. Resolves to the
	 * number of new flows.
	 * @throws FlowtapeError FT_IO, FT_CORRUPT_FLOW if the tape cannot be read completely
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
			await closeSources(sources);
		}
	}

	async #commitFrom(
		open: (path: string, report: Reporter) => Promise<FlowSource>,
		{ format, keepsOld, report, notes = {}, drops }: CommitOptions,
	): Promise<number> {
		const wasReplaced = await this.#wasReplaced();
		const added = await open(this.file, report);
		let unread = 0;
		const counting: Reporter = (...trouble) => {
			unread++;
			report(...trouble);
		};
		const old = keepsOld || wasReplaced ? [await open(this.#tape, counting)] : [];
		const merge = wasReplaced ? new ConcurrentMerge(await this.#idsBefore(open, report), keepsOld) : null;
		const sink = await createTape(this.#tape, { format: format ?? undefined, report });
		try {
			const { joinedNotes } = await import("../src/redact/note.ts");
			// a tape of text has its notes before its flows
			const all = joinedNotes([notes, await added.notes(), (await old[0]?.notes()) ?? {}]);
			for (const [name, value] of Object.entries(all)) sink.note(name, value);
			await pipe(old, merge === null ? [] : [merge.keepStored], sink, { copiesNotes: false });
			// flows that cannot be read would be lost
			if (unread > 0) throw unreadableTape(this.#tape);
			const kept = drops?.size ? [(flow: Flow) => (drops.has(flow.id) ? null : flow)] : [];
			const steps = merge === null ? kept : [...kept, merge.addRecorded];
			const { read, passed } = await pipe([added], steps, sink, { copiesNotes: false });
			const count = drops?.size ? passed : read;
			if (count > 0 || Object.keys(notes).length > 0) await sink.close();
			else await sink.discard();
			return count;
		} catch (error) {
			await sink.discard();
			throw error;
		}
	}

	/**
	 * Whether another run has written the tape since the start of this run. Always true if the tape had to be copied,
	 * because the file system does not support links.
	 */
	async #wasReplaced(): Promise<boolean> {
		const now = await stat(this.#tape).catch(() => null);
		if (now === null) return false;
		return this.#before === null || (await stat(this.#before)).ino !== now.ino;
	}

	async #idsBefore(
		open: (path: string, report: Reporter) => Promise<FlowSource>,
		report: Reporter,
	): Promise<ReadonlySet<string>> {
		const ids = new Set<string>();
		if (this.#before === null) return ids;
		for await (const flows of await open(this.#before, report)) for (const { id } of flows) ids.add(id);
		return ids;
	}

	async close(): Promise<void> {
		await rm(this.#folder, { recursive: true, force: true });
	}
}

/** Fails now if `commit` could not create the tape later, for example because its extension names no format. */
async function checkWritable(tape: string, format: string | null): Promise<void> {
	const sink = await createTape(tape, { format: format ?? undefined, report: () => {} });
	await sink.discard();
}

function unreadableTape(tape: string): FlowtapeError {
	const message = `${tape}: the tape is damaged and was left unchanged; copy its readable flows to a new tape with flowtape convert`;
	return new FlowtapeError("FT_CORRUPT_FLOW", message, { file: tape });
}

/**
 * Merges the flows of this run with those that other runs have written since it started. For each request that another
 * run has recorded, one recording of the same request by this run is dropped.
 */
class ConcurrentMerge {
	readonly #before: ReadonlySet<string>;
	readonly #keepsOld: boolean;
	/** How many times other runs recorded each request, by request key. */
	readonly #counts = new Map<string, number>();

	constructor(before: ReadonlySet<string>, keepsOld: boolean) {
		this.#before = before;
		this.#keepsOld = keepsOld;
	}

	readonly keepStored = (flow: Flow): Flow | null => {
		if (this.#before.has(flow.id)) return this.#keepsOld ? flow : null;
		if (flow.type === "http") {
			const key = keyInSession(flow);
			this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
		}
		return flow;
	};

	readonly addRecorded = (flow: Flow): Flow | null => {
		if (flow.type !== "http") return flow;
		const key = keyInSession(flow);
		const count = this.#counts.get(key) ?? 0;
		if (count > 0) this.#counts.set(key, count - 1);
		return count > 0 ? null : flow;
	};
}

/** A key that requests share if they are equal and of the same session. */
function keyInSession(flow: HttpFlow): string {
	return `${defaultRequestKey(flow)} ${flow.session ?? ""}`;
}

/** Links a file under a second name before the file is replaced, or copies it; null: there is no file. */
async function linkOrCopy(name: string, tape: string): Promise<string | null> {
	try {
		const target = await realpath(tape);
		// not every file system supports links
		await link(target, name).catch(() => copyFile(target, name));
		return name;
	} catch (error) {
		if (hasErrno(error, "ENOENT", "ENOTDIR", "EISDIR")) return null;
		throw error;
	}
}
