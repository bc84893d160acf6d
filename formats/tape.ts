// The `.tape` format: flows in a SQLite file, through the flow store.
import { existsSync } from "node:fs";
import { realpath, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata, MetaValue } from "../src/flow/metadata.ts";
import { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { MaybeAsync } from "../src/maybe-async.ts";
import { NOTE } from "../src/redact/options.ts";
import type { SqliteStore } from "../src/store/sqlite/store.ts";
import type { StoreReadOptions } from "../src/store/store.ts";
import { AtomicFile, refuseSpecial } from "./atomic-file.ts";
import { compressionOf } from "./compression.ts";
import type { Format, Input, SourceOptions } from "./format.ts";
import { spool } from "./input.ts";
import { outputError } from "./output-error.ts";
import { missingEnd, readCut, readRemains } from "./tape/cut-tape.ts";
import { appendedTape, isSameNote, OwnKeys, type TapeKeys } from "./tape/keys.ts";
import { readImage, type TapeImage } from "./tape/tape-image.ts";

/** Input size in bytes from which a writer thread pays. */
const LARGE_INPUT = 16 * 1024 * 1024;

/** @param tapeKeys the keys by which replay finds a recording; stored with each flow */
export function createTapeFormat(tapeKeys: TapeKeys): Format {
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
			if (compressionOf(path) !== null)
				throw new FlowtapeError("FT_USAGE", `${path}: a .tape cannot be written compressed; compress it afterwards`);
			if (path === "-")
				throw new FlowtapeError(
					"FT_USAGE",
					"a .tape cannot be written to a stream; give a file name, or --format jsonl",
				);
			const { openStore } = await import("../src/store/sqlite/store.ts");
			const { report, erases } = options;
			const keys = new OwnKeys(tapeKeys);
			const append = (durable: boolean): SqliteStore =>
				openNamed(
					() => openStore(path, { mode: "append", requestKey: keys.of, report, durable, erases }),
					// better-sqlite3 throws a TypeError for a missing folder
					(error) => outputError(path, error),
				);
			await refuseSpecial(path);
			if (options.append) return appendedTape(append(options.durable ?? false), keys);
			await checkpointLeftoverLogs(await realpath(path).catch(() => path), append);
			const atomic = await AtomicFile.forTarget(path);
			const open = (): SqliteStore =>
				openNamed(
					() => openStore(atomic.path, { mode: "create", report, requestKey: keys.of }),
					(error) => atomic.withTargetName(error),
				);
			const store = open();
			await atomic.copyPermissions();
			const isLarge = (options.inputSize ?? 0) >= LARGE_INPUT && availableParallelism() > 1;
			return new NewTape(
				atomic,
				store,
				open,
				isLarge ? (lastConnection) => startThread(atomic.path, keys.of, lastConnection) : null,
				keys,
			);
		},
	};
}

async function startThread(path: string, requestKey: OwnKeys["of"], lastConnection: number | null): Promise<FlowSink> {
	const { ThreadedWriter } = await import("../src/store/sqlite-thread/threaded-writer.ts");
	return new ThreadedWriter(path, requestKey, lastConnection);
}

/** Reads a tape. SQLite needs a file, so a stream is copied to a temporary one first. */
class TapeSource extends FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	#store: SqliteStore | null = null;
	#read = 0;
	/** Total number of flows; counted when progress is first requested. */
	#flows: number | null = null;
	#counting: Promise<void> | null = null;
	/** The file to read. */
	#spooled: ReturnType<typeof spool> | null = null;
	/** The tape in memory; null: it is read from its file. */
	#image: Promise<TapeImage | null> | null = null;
	readonly #open = new Set<SqliteStore>();

	constructor(input: Input, options: SourceOptions) {
		super();
		this.#input = input;
		this.#options = options;
	}

	/** Progress by the number of flows, because SQLite does not read pages in file order. */
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

	/** A confidential tape that SQLite cannot read from its own file. */
	#inMemory(): Promise<TapeImage | null> {
		const { path } = this.#input;
		const isNeeded = this.#options.isConfidential === true && (path === null || missingEnd(path) !== null);
		this.#image ??= isNeeded ? readImage(this.#input) : Promise.resolve(null);
		return this.#image;
	}

	override async notes(): Promise<Metadata> {
		const image = await this.#inMemory();
		const path = image === null ? (await this.#file()).path : this.#input.name;
		if ((image === null ? missingEnd(path) : image.missing) !== null) return {};
		const { openStore } = await import("../src/store/sqlite/store.ts");
		const store = openStore(path, { mode: "read", report: this.#options.report, image: image?.bytes });
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
			// reading the flows reports the damage
		}
	}

	/**
	 * Counts in SQL if columns decide the filter, which does not find damaged flows; otherwise counts the flows that it
	 * reads. null for streams, for cut-off tapes and with `ids`.
	 */
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

	/** Copies rows to another tape without decoding them. */
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
		const image = await this.#inMemory();
		if (image !== null) yield* this.#readImage(image);
		else yield* this.#readFile();
	}

	async *#readImage({ bytes: image, missing }: TapeImage): AsyncGenerator<Flow[]> {
		const { name } = this.#input;
		const { report } = this.#options;
		if (missing === null) yield* this.#flowsOf(name, this.#options, { image });
		else yield* readRemains({ name, ...missing }, this.#flowsOf(name, { report }, { image }), this.#options);
	}

	async *#readFile(): AsyncGenerator<Flow[]> {
		const { path, remove } = await this.#file();
		try {
			const missing = missingEnd(path);
			const isTemporary = this.#input.path === null;
			if (missing === null) yield* this.#flowsOf(path, this.#options, { isTemporary });
			else
				yield* readCut(
					{ path, name: this.#input.name, ...missing },
					(copy, report) => this.#flowsOf(copy, { report }, { isTemporary: true }),
					this.#options,
				);
		} finally {
			await remove();
		}
	}

	/** The store stays open until the source is closed, because flows may read their bodies later. */
	async *#flowsOf(
		path: string,
		{ report, filter, ids, bodies = true }: SourceOptions,
		kept: { isTemporary?: boolean; image?: Buffer },
	): AsyncGenerator<Flow[]> {
		const { openStore } = await import("../src/store/sqlite/store.ts");
		this.#store = openStore(path, { mode: "read", report, ...kept });
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

function openNamed(open: () => SqliteStore, named: (error: unknown) => unknown): SqliteStore {
	try {
		return open();
	} catch (error) {
		throw named(error);
	}
}

/**
 * The write-ahead log and the rollback journal of a tape. SQLite would apply leftover ones to the next file of that
 * name.
 */
const logsOf = (path: string): string[] => [`${path}-wal`, `${path}-journal`];

/**
 * Checkpoints the logs that a killed recording has left with its last flows, before the tape is replaced. Removes logs
 * that have no tape.
 * @throws FlowtapeError FT_IO
 */
async function checkpointLeftoverLogs(path: string, append: (durable: boolean) => SqliteStore): Promise<void> {
	if (!logsOf(path).some((log) => existsSync(log))) return;
	if (existsSync(path)) await append(false).close();
	else for (const log of logsOf(path)) await rm(log, { force: true });
	refuseInUse(path);
}

/** @throws FlowtapeError FT_IO */
function refuseInUse(path: string): void {
	if (!logsOf(path).some((log) => existsSync(log))) return;
	throw new FlowtapeError("FT_IO", `${path}: another process has this tape open: end it before you replace the tape`, {
		file: path,
	});
}

/** A new tape in a temporary file, which replaces the target when complete. */
class NewTape extends FlowSink {
	readonly #atomic: AtomicFile;
	readonly #open: () => SqliteStore;
	/**
	 * Starts a thread that replaces the store; null if no thread is used. Its argument is the highest id of a connection,
	 * null if there are no rows yet.
	 */
	readonly #start: ((lastConnection: number | null) => Promise<FlowSink>) | null;
	readonly #notes = new Map<string, MetaValue>();
	readonly #keys: OwnKeys;
	#store: SqliteStore;
	/** The current writer: the store, or the thread that has replaced it. The store is closed then. */
	#writer: FlowSink;

	/** @param open creates the store; called again after damage in a copied tape */
	constructor(
		atomic: AtomicFile,
		store: SqliteStore,
		open: () => SqliteStore,
		start: ((lastConnection: number | null) => Promise<FlowSink>) | null,
		keys: OwnKeys,
	) {
		super();
		this.#keys = keys;
		this.#store = store;
		this.#atomic = atomic;
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

	/** Writes a note and commits it at once, so that rows of another tape can be copied next. */
	override note(name: string, value: MetaValue): void {
		this.#write(name, value);
		if (name === NOTE) this.#keys.adopt(value, (keyed) => this.#write(NOTE, keyed));
	}

	#write(name: string, value: MetaValue): void {
		this.#notes.set(name, value);
		this.#withTargetName(() => {
			this.#store.note(name, value);
			this.#store.flush();
		});
	}

	append(flow: Flow): MaybeAsync {
		const { pending } = this.#keys;
		if (pending !== null) return pending.then(() => this.append(flow));
		return this.#withTargetName(() => {
			if (this.#start !== null && this.#writer === this.#store) return this.#switchToThread(flow, this.#start);
			return this.#writer.append(flow);
		});
	}

	/**
	 * Copies rows like the store's `takeRows`, which needs a tape without flows. Returns null if flows have been
	 * appended. Also returns null for a damaged tape: its undamaged flows can still be read.
	 */
	async takeRows(from: SqliteStore, options: StoreReadOptions): Promise<number | null> {
		await this.#keys.pending;
		// the keys are copied too
		if (this.#writer !== this.#store || !isSameNote(from.notes()[NOTE], this.#notes.get(NOTE))) return null;
		try {
			return this.#withTargetName(() => this.#store.takeRows(from, options));
		} catch (error) {
			if (!(error instanceof FlowtapeError) || error.status !== 3) throw error;
			// a new tape has no rollback journal, so it is created again
			await this.#store.discard();
			await this.#atomic.discard();
			this.#writer = this.#store = this.#open();
			await this.#atomic.copyPermissions();
			for (const [name, noted] of this.#notes) this.#write(name, noted);
			return null;
		}
	}

	/** Starts the thread in place of the store, and appends the first flow to it. */
	async #switchToThread(flow: Flow, start: (lastConnection: number | null) => Promise<FlowSink>): Promise<void> {
		const { lastConnection } = this.#store;
		await this.#store.discard();
		this.#writer = await start(lastConnection);
		await this.#writer.append(flow);
	}

	async close(): Promise<void> {
		await this.#keys.pending;
		return this.#atomic.commit(async () => {
			await this.#writer.close();
			refuseInUse(this.#atomic.target);
		});
	}

	override async discard(): Promise<void> {
		await this.#writer.discard();
		await this.#atomic.discard();
	}

	/** Makes errors name the target, not the temporary file. */
	#withTargetName<T>(action: () => T): T {
		const fail = (error: unknown): never => {
			throw this.#atomic.withTargetName(error);
		};
		try {
			const result = action();
			return result instanceof Promise ? (result.catch(fail) as T) : result;
		} catch (error) {
			return fail(error);
		}
	}
}
