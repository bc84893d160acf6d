// `.tape`: the flow store as a format among others.
import { rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import type { SqliteStore } from "../src/store/sqlite.ts";
import { compressionOf } from "./compression.ts";
import type { Format, Input, SourceOptions } from "./format.ts";
import { spool } from "./input.ts";
import { draftName, outputError } from "./output.ts";

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
			const { openStore } = await import("../src/store/sqlite.ts");
			return openStore(path, { mode: "read", report, isKeyed: true });
		},
		async create(path, options) {
			if (compressionOf(path) !== null) throw new FlowtapeError("FT_USAGE", `${path}: a .tape is written as it is; compress it afterwards`);
			if (path === "-") throw new FlowtapeError("FT_USAGE", "a .tape cannot be written to a stream; give a file's name, or --format jsonl");
			const { openStore } = await import("../src/store/sqlite.ts");
			const { report } = options;
			if (!options.append) {
				const draft = draftName(path);
				const store = opening(path, () => openStore(draft, { mode: "create", report, requestKey }));
				const isLarge = (options.inputSize ?? 0) >= LARGE_INPUT && availableParallelism() > 1;
				return new NewTape(path, draft, store, isLarge ? () => startThread(draft, requestKey) : null);
			}
			return opening(path, () => openStore(path, { mode: "append", requestKey, report, durable: options.durable ?? false }));
		},
	};
}

async function startThread(path: string, requestKey: (flow: HttpFlow) => string): Promise<FlowSink> {
	const { ThreadedWriter } = await import("../src/store/threaded-writer.ts");
	return new ThreadedWriter(path, requestKey);
}

/** What a database is read from is a file, so what comes as a stream is put into one first. */
class TapeSource implements FlowSource {
	readonly #input: Input;
	readonly #options: SourceOptions;
	#store: SqliteStore | null = null;
	#read = 0;
	/** In all; counted once somebody asks how far the reading is. */
	#flows: number | null = null;
	#counting: Promise<void> | null = null;

	constructor(input: Input, options: SourceOptions) {
		this.#input = input;
		this.#options = options;
	}

	/** By the number of flows, because pages are read in no particular order. */
	progress() {
		const total = this.#input.size;
		if (this.#store === null || total === null || this.#options.filter !== undefined) return { done: 0, total: null };
		this.#counting ??= this.#count(this.#store);
		return { done: this.#flows === null ? 0 : Math.round((total * this.#read) / Math.max(this.#flows, 1)), total };
	}

	async #count(store: SqliteStore): Promise<void> {
		try {
			this.#flows = await store.count();
		} catch {
			// the reading meets the same damage, and tells of it
		}
	}

	/** Rows go from one tape to another as they are. */
	async transfer(sink: FlowSink): Promise<number | null> {
		const { path } = this.#input;
		if (!(sink instanceof NewTape) || path === null) return null;
		const { openStore } = await import("../src/store/sqlite.ts");
		const { report, filter, ids } = this.#options;
		const source = openStore(path, { mode: "read", report });
		try {
			return sink.store.takeRows(source, { filter, ids });
		} finally {
			await source.close();
		}
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Flow[]> {
		const { openStore } = await import("../src/store/sqlite.ts");
		const { report, filter, ids } = this.#options;
		const { path, remove } = await spool(this.#input);
		try {
			// stays open for the bodies of flows that outlive the reading, and closes when the last of them is gone
			this.#store = openStore(path, { mode: "read", report });
			for await (const flows of this.#store.read({ filter, ids })) {
				this.#read += flows.length;
				yield flows;
			}
		} finally {
			await remove();
		}
	}
}

function opening(path: string, open: () => SqliteStore): SqliteStore {
	try {
		return open();
	} catch (error) {
		// a folder that is not there is a TypeError to better-sqlite3
		throw error instanceof FlowtapeError ? error : outputError(path, error);
	}
}

/** A tape beside the target, which takes its place when it is whole. */
class NewTape implements FlowSink {
	readonly copies = true;
	readonly store: SqliteStore;
	readonly #path: string;
	readonly #draft: string;
	/** Gives what writes the flows in the store's place. */
	readonly #start: (() => Promise<FlowSink>) | null;
	#writer: FlowSink;

	constructor(path: string, draft: string, store: SqliteStore, start: (() => Promise<FlowSink>) | null) {
		this.store = store;
		this.#path = path;
		this.#draft = draft;
		this.#start = start;
		this.#writer = store;
	}

	append(flow: Flow): void | Promise<void> {
		if (this.#start !== null && this.#writer === this.store) return this.#hand(flow, this.#start);
		return this.#writer.append(flow);
	}

	/** Hands the draft over, with the first flow. */
	async #hand(flow: Flow, start: () => Promise<FlowSink>): Promise<void> {
		await this.store.discard();
		this.#writer = await start();
		await this.#writer.append(flow);
	}

	async close(): Promise<void> {
		try {
			await this.#writer.close();
			await rename(this.#draft, this.#path);
		} catch (error) {
			await rm(this.#draft, { force: true });
			throw error instanceof FlowtapeError ? error : outputError(this.#path, error);
		}
	}

	async discard(): Promise<void> {
		await this.#writer.discard?.();
		await rm(this.#draft, { force: true });
	}
}
