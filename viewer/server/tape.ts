// The tape that the viewer shows: a .tape itself, or a working copy of other formats and of several files.
import { rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { copyFlows, openTapes } from "../../api/copy-flows.ts";
import { detectFormat } from "../../api/formats.ts";
import { type ErrorCode, FlowtapeError, type Reporter } from "../../src/errors.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import { defaultRequestKey } from "../../src/replay/match/key.ts";
import { openStore, type SqliteStore } from "../../src/store/sqlite/store.ts";
import type { FlowTable } from "../../src/store/sqlite/table.ts";
import { createTemporaryFolder } from "../../src/temporary-folder.ts";

/** How often a followed tape is checked for new flows, in milliseconds. */
const FOLLOW_MS = 100;
/** Losses that are kept for the page. */
const MAX_LOSSES = 100;

export interface OpenOptions {
	report: Reporter;
	signal?: AbortSignal | undefined;
	/** Whether marks and comments cannot be changed. */
	isReadOnly: boolean;
}

/** A mark or comment before an edit. */
interface Before {
	readonly seq: number;
	readonly marked: string;
	readonly comment: string;
}

/** Edits that can be undone. */
const MAX_UNDO = 100;

export class ViewedTape {
	/** The names of the files, without their folders. */
	readonly names: readonly string[];
	/** The file that is shown. */
	readonly path: string;
	readonly table: FlowTable;
	/** Reports about damage, for the page. */
	readonly losses: string[];
	/** The highest sequence number of each file but the last. */
	readonly #ends: readonly number[];
	/** The folder of the working copy; null: the file itself is shown. */
	readonly #folder: string | null;
	readonly #isReadOnly: boolean;
	readonly #store: SqliteStore;
	readonly #undo: Before[][] = [];
	#timer: NodeJS.Timeout | null = null;
	#lastEdit: Promise<void> = Promise.resolve();
	/** Number of edits. */
	revision = 0;

	private constructor(
		names: readonly string[],
		path: string,
		store: SqliteStore,
		{
			losses,
			ends,
			folder,
			isReadOnly,
		}: { losses: string[]; ends: number[]; folder: string | null; isReadOnly: boolean },
	) {
		this.names = names;
		this.path = path;
		this.#store = store;
		this.table = store.table();
		this.losses = losses;
		this.#ends = ends;
		this.#folder = folder;
		this.#isReadOnly = isReadOnly;
	}

	/** @throws FlowtapeError as `openTape` */
	static async open(paths: readonly string[], { report, signal, isReadOnly }: OpenOptions): Promise<ViewedTape> {
		const losses: string[] = [];
		const reportLoss: Reporter = (code: ErrorCode, message, detail) => {
			if (losses.length < MAX_LOSSES) losses.push(message);
			report(code, message, detail);
		};
		const names = paths.map((path) => (path === "-" ? "standard input" : basename(path)));
		const [only = ""] = paths;
		if (paths.length === 1 && only !== "-" && (await detectFormat(only)) === "tape") {
			const store = openStore(only, { mode: "read", report: reportLoss });
			return new ViewedTape(names, only, store, { losses, ends: [], folder: null, isReadOnly });
		}
		// only the user may read it
		const folder = await createTemporaryFolder("flowtape-view-");
		try {
			const path = join(folder, "copy.tape");
			const ends = await copyAll(paths, path, reportLoss, signal);
			const store = openStore(path, { mode: "read", report: reportLoss });
			return new ViewedTape(names, path, store, { losses, ends, folder, isReadOnly });
		} catch (error) {
			await rm(folder, { recursive: true, force: true });
			throw error;
		}
	}

	/** Whether the file may grow: it is shown itself, not as a copy. */
	get isFollowed(): boolean {
		return this.#folder === null;
	}

	/** Whether marks and comments can be changed; if not, why. */
	get editable(): true | string {
		return this.#isReadOnly ? "the viewer was started with --read-only" : true;
	}

	get undoable(): number {
		return this.#undo.length;
	}

	/** The number of the file that a flow comes from. */
	fileOf(seq: number): number {
		const index = this.#ends.findIndex((end) => seq <= end);
		return index < 0 ? this.#ends.length : index;
	}

	/** @throws FlowtapeError FT_USAGE if there is no such flow */
	flow(seq: number): Flow {
		const flow = this.table.flow(seq);
		if (flow === null) throw new FlowtapeError("FT_USAGE", `flow ${seq} is not on the tape, or its record is damaged`);
		return flow;
	}

	/** @throws FlowtapeError FT_USAGE if it is not an HTTP flow */
	httpFlow(seq: number): HttpFlow {
		const flow = this.flow(seq);
		if (flow.type !== "http") throw new FlowtapeError("FT_USAGE", `flow ${seq} is not an HTTP flow`);
		return flow;
	}

	/** Calls back when another process has committed to the tape. */
	follow(onCommit: () => void): void {
		let version = this.table.version();
		this.#timer = setInterval(() => {
			const now = this.table.version();
			if (now === version) return;
			version = now;
			onCommit();
		}, FOLLOW_MS);
		this.#timer.unref();
	}

	/** Sets the marker or the comment of flows. @throws FlowtapeError FT_IO, FT_STORE; FT_USAGE if it is read-only */
	async edit(numbers: readonly number[], change: { marked?: string; comment?: string }): Promise<number> {
		const before: Before[] = [];
		await this.#amend(numbers, (flow, seq) => {
			const { marked = flow.marked, comment = flow.comment } = change;
			if (flow.marked === marked && flow.comment === comment) return false;
			before.push({ seq, marked: flow.marked, comment: flow.comment });
			Object.assign(flow, { marked, comment });
			return true;
		});
		if (before.length > 0) this.#undo.push(before);
		if (this.#undo.length > MAX_UNDO) this.#undo.shift();
		return before.length;
	}

	/** Undoes the last edit. Returns the number of flows. */
	async undo(): Promise<number> {
		const last = this.#undo.at(-1);
		if (last === undefined) return 0;
		const values = new Map(last.map((one) => [one.seq, one]));
		await this.#amend([...values.keys()], (flow, seq) => {
			const { marked, comment } = values.get(seq) as Before;
			Object.assign(flow, { marked, comment });
			return true;
		});
		this.#undo.pop();
		return last.length;
	}

	/** Edits wait for one another, because a tape has one writer. */
	#amend(numbers: readonly number[], change: (flow: Flow, seq: number) => boolean): Promise<void> {
		const edit = this.#lastEdit.then(() => this.#write(numbers, change));
		this.#lastEdit = edit.catch(() => {});
		return edit;
	}

	async #write(numbers: readonly number[], change: (flow: Flow, seq: number) => boolean): Promise<void> {
		const { editable } = this;
		if (editable !== true) throw new FlowtapeError("FT_USAGE", `the tape cannot be changed: ${editable}`);
		// a file that was deleted must not be created again
		await stat(this.path);
		let key: string | null = null;
		const writer = openStore(this.path, {
			mode: "append",
			report: () => {},
			requestKey: (flow) => key ?? defaultRequestKey(flow),
		});
		try {
			for (const seq of numbers) {
				key = this.table.keyOf(seq);
				writer.amend(seq, (flow) => {
					if (!change(flow, seq)) return false;
					// the flow is encoded again
					flow.record = undefined;
					return true;
				});
			}
		} finally {
			await writer.close();
		}
		this.revision++;
	}

	async close(): Promise<void> {
		if (this.#timer !== null) clearInterval(this.#timer);
		await this.#lastEdit;
		await this.#store.close();
		if (this.#folder !== null) await rm(this.#folder, { recursive: true, force: true });
	}
}

/** Copies files to a new tape. Returns the highest sequence number of each file but the last. */
async function copyAll(
	paths: readonly string[],
	target: string,
	report: Reporter,
	signal: AbortSignal | undefined,
): Promise<number[]> {
	const ends: number[] = [];
	let copied = 0;
	for (const [index, path] of paths.entries()) {
		const sources = await openTapes([path], { report });
		const mode = index === 0 ? "create" : "append";
		const { passed } = await copyFlows({
			sources,
			open: async () => openStore(target, { mode, report, requestKey: defaultRequestKey }),
			report,
			reportInput: report,
			signal,
		});
		copied += passed;
		ends.push(copied);
	}
	return ends.slice(0, -1);
}
