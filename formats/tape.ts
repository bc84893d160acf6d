// `.tape`: the flow store as a format among others.
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { SqliteStore } from "../src/store/sqlite/store.ts";
import type { ReadOptions } from "../src/store/store.ts";
import { AtomicFile } from "./atomic-file.ts";
import { compressionOf } from "./compression.ts";
import type { Format, Input, SourceOptions } from "./format.ts";
import { spool } from "./input.ts";
import { outputError } from "./output-error.ts";
import { missingEnd, readCut } from "./tape/cut-tape.ts";

/** Bytes of input from which on a thread that writes repays its start. */
const LARGE_INPUT = 16 * 1024 * 1024;

/** @param requestKey the key by which replay finds a recording, kept beside each flow */
export function createTapeFormat(requestKey: (flow: HttpFlow) => string): Format {
	return {
		name: "tape",
		extensions: [".tape"],
		sniff: (head) => head.latin1Slice(0, Math.min(head.length, 16)) === "SQLite format 3\0",
		read: (input, options) => new TapeSource(input, options),
		async openKeyed(path, { report }) {
			const { openStore } = await import("../src/store/sqlite/store.ts");
			return openStore(path, { mode: "read", report, isKeyed: true });
		},
		async create(path, options) {
			if (compressionOf(path) !== null) throw new FlowtapeError("FT_USAGE", `${path}: a .tape is written as it is; compress it afterwards`);
			if (path === "-") throw new FlowtapeError("FT_USAGE", "a .tape cannot be written to a stream; give a file's name, or --format jsonl");
			const { openStore } = await import("../src/store/sqlite/store.ts");
			const { report } = options;
			const append = (durable: boolean): SqliteStore =>
				opening(
					() => openStore(path, { mode: "append", requestKey, report, durable }),
					// a folder that is not there is a TypeError to better-sqlite3
					(error) => outputError(path, error),
				);
			if (options.append) return append(options.durable ?? false);
			const draft = await AtomicFile.of(path);
			await checkpointLeftoverLogs(draft.target, append);
			const open = (): SqliteStore =>
				opening(
					() => openStore(draft.file, { mode: "create", report, requestKey }),
					(error) => draft.named(error),
				);
			const store = open();
			await draft.guard();
			const isLarge = (options.inputSize ?? 0) >= LARGE_INPUT && availableParallelism() > 1;
			return new NewTape(draft, store, open, isLarge ? (held) => startThread(draft.file, requestKey, held) : null);
		},
	};
}

async function startThread(path: string, requestKey: (flow: HttpFlow) => string, held: number | null): Promise<FlowSink> {
	const { ThreadedWriter } = await import("../src/store/sqlite-thread/threaded-writer.ts");
	return new ThreadedWriter(path, requestKey, held);
}

/** What a database is read from is a file, so what comes as a stream is put into one first. */
class TapeSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	#store: SqliteStore | null = null;
	#read = 0;
	/** In all; counted once somebody asks how far the reading is. */
	#flows: number | null = null;
	#counting: Promise<void> | null = null;
	/** The file that is read. */
	#spooled: ReturnType<typeof spool> | null = null;
	/** Whether that goes as soon as it was read. */
	readonly #isTemporary: boolean;
	readonly #open = new Set<SqliteStore>();

	constructor(input: Input, options: SourceOptions) {
		super();
		this.#input = input;
		this.#options = options;
		this.#isTemporary = input.path === null;
	}

	/** By the number of flows, because pages are read in no particular order. */
	override progress() {
		const total = this.#input.size;
		if (this.#store === null || total === null || this.#options.filter !== undefined) return { done: 0, total: null };
		this.#counting ??= this.#count(this.#store);
		return { done: this.#flows === null ? 0 : Math.round((total * this.#read) / Math.max(this.#flows, 1)), total };
	}

	#file(): ReturnType<typeof spool> {
		this.#spooled ??= spool(this.#input);
		return this.#spooled;
	}

	override async notes(): Promise<Metadata> {
		const { path } = await this.#file();
		if (missingEnd(path) !== null) return {};
		const { openStore } = await import("../src/store/sqlite/store.ts");
		const store = openStore(path, { mode: "read", report: this.#options.report });
		try {
			return store.notes();
		} finally {
			await store.close();
		}
	}

	async #count(store: SqliteStore): Promise<void> {
		try {
			this.#flows = await store.count();
		} catch {
			// the reading meets the same damage, and tells of it
		}
	}

	/** By columns, where they tell: what is damaged is not found then. */
	override async count(): Promise<number | null> {
		const { report, filter, ids } = this.#options;
		const { path } = this.#input;
		if (path === null || ids !== undefined || missingEnd(path) !== null) return null;
		const { openStore } = await import("../src/store/sqlite/store.ts");
		const store = openStore(path, { mode: "read", report });
		try {
			return await store.count(filter);
		} finally {
			await store.close();
		}
	}

	/** Rows go from one tape to another as they are. */
	override async transfer(sink: FlowSink): Promise<number | null> {
		const { path } = this.#input;
		if (!(sink instanceof NewTape) || path === null || missingEnd(path) !== null) return null;
		const { openStore } = await import("../src/store/sqlite/store.ts");
		const { report, filter, ids } = this.#options;
		const source = openStore(path, { mode: "read", report });
		try {
			return await sink.takeRows(source, { filter, ids });
		} finally {
			await source.close();
		}
	}

	async *read(): AsyncGenerator<Flow[]> {
		const { path, remove } = await this.#file();
		try {
			const missing = missingEnd(path);
			if (missing === null) yield* this.#flowsOf(path, this.#options, this.#isTemporary);
			else yield* readCut({ path, name: this.#input.name, ...missing }, (copy, told) => this.#flowsOf(copy, { report: told }, true), this.#options);
		} finally {
			await remove();
		}
	}

	/** The store stays open for the bodies of flows that outlive the reading, until the source is closed. */
	async *#flowsOf(path: string, { report, filter, ids, bodies = true }: SourceOptions, isTemporary: boolean): AsyncGenerator<Flow[]> {
		const { openStore } = await import("../src/store/sqlite/store.ts");
		this.#store = openStore(path, { mode: "read", report, isTemporary });
		this.#open.add(this.#store);
		for await (const flows of this.#store.read({ filter, ids, bodies })) {
			this.#read += flows.length;
			yield flows;
		}
	}

	override async close(): Promise<void> {
		for (const store of this.#open) await store.close();
		this.#open.clear();
	}
}

function opening(open: () => SqliteStore, named: (error: unknown) => unknown): SqliteStore {
	try {
		return open();
	} catch (error) {
		throw named(error);
	}
}

/** Where SQLite keeps what is not in the tape itself yet. It would put that into whatever has the tape's name next. */
const logsOf = (path: string): string[] => [`${path}-wal`, `${path}-journal`];

/** A recording that was cut off left its last flows in a log: they go into the tape before another takes its place. @throws FlowtapeError FT_IO */
async function checkpointLeftoverLogs(path: string, append: (durable: boolean) => SqliteStore): Promise<void> {
	if (!logsOf(path).some((log) => existsSync(log))) return;
	if (existsSync(path)) await append(false).close();
	else for (const log of logsOf(path)) await rm(log, { force: true });
	refuseInUse(path);
}

/** @throws FlowtapeError FT_IO */
function refuseInUse(path: string): void {
	if (!logsOf(path).some((log) => existsSync(log))) return;
	throw new FlowtapeError("FT_IO", `${path}: another process has this tape open, end it before you replace the tape`, { file: path });
}

/** A tape beside the target, which takes its place when it is whole. */
class NewTape extends FlowSink {
	readonly #draft: AtomicFile;
	readonly #open: () => SqliteStore;
	/** Gives what writes the flows in the store's place; it is told the highest number of a connection, null where there are no rows yet. */
	readonly #start: ((held: number | null) => Promise<FlowSink>) | null;
	readonly #notes = new Map<string, MetaValue>();
	#store: SqliteStore;
	/** The store, until the draft is handed over: from then on nothing more is asked of the store, which is closed. */
	#writer: FlowSink;

	/** @param open makes the store once more */
	constructor(draft: AtomicFile, store: SqliteStore, open: () => SqliteStore, start: ((held: number | null) => Promise<FlowSink>) | null) {
		super();
		this.#store = store;
		this.#draft = draft;
		this.#open = open;
		this.#start = start;
		this.#writer = store;
	}

	override get copies(): boolean {
		return true;
	}

	override get takesNotes(): boolean {
		return true;
	}

	/** Committed at once, so that rows of another tape may follow. */
	override note(name: string, value: MetaValue): void {
		this.#notes.set(name, value);
		this.#named(() => {
			this.#store.note(name, value);
			this.#store.flush();
		});
	}

	append(flow: Flow): void | Promise<void> {
		return this.#named(() => {
			if (this.#start !== null && this.#writer === this.#store) return this.#hand(flow, this.#start);
			return this.#writer.append(flow);
		});
	}

	/** Only the first flows of a new tape come as rows. As the store does; null from a damaged tape too, of which single flows may still be had. */
	async takeRows(from: SqliteStore, options: ReadOptions): Promise<number | null> {
		if (this.#writer !== this.#store) return null;
		try {
			return this.#named(() => this.#store.takeRows(from, options));
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.status !== 3) throw error;
			// a new tape has no journal by which it could take back what it has taken
			await this.#store.discard();
			await this.#draft.drop();
			this.#writer = this.#store = this.#open();
			await this.#draft.guard();
			for (const [name, noted] of this.#notes) this.note(name, noted);
			return null;
		}
	}

	/** Hands the draft over, with the first flow. */
	async #hand(flow: Flow, start: (held: number | null) => Promise<FlowSink>): Promise<void> {
		const { held } = this.#store;
		await this.#store.discard();
		this.#writer = await start(held);
		await this.#writer.append(flow);
	}

	close(): Promise<void> {
		return this.#draft.take(async () => {
			await this.#writer.close();
			refuseInUse(this.#draft.target);
		});
	}

	override async discard(): Promise<void> {
		await this.#writer.discard();
		await this.#draft.drop();
	}

	/** Errors are about the tape that was asked for, not about its draft. */
	#named<T>(action: () => T): T {
		const fail = (error: unknown): never => {
			throw this.#draft.named(error);
		};
		try {
			const result = action();
			return result instanceof Promise ? (result.catch(fail) as T) : result;
		} catch (error) {
			return fail(error);
		}
	}
}
