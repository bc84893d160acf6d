// `.tape`: the flow store as a format among others.
import { rename, rm } from "node:fs/promises";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { FlowSink } from "../src/flow/pipe.ts";
import type { SqliteStore } from "../src/store/sqlite.ts";
import type { Format } from "./format.ts";
import { draftName, outputError } from "./output.ts";

/** @param requestKey the key by which replay finds a recording, kept beside each flow */
export function createTapeFormat(requestKey: (flow: HttpFlow) => string): Format {
	return {
		name: "tape",
		extensions: [".tape"],
		sniff: (head) => head.latin1Slice(0, Math.min(head.length, 16)) === "SQLite format 3\0",
		read: (input, { report, filter, ids }) => {
			if (input.path === null)
				throw new FlowtapeError(
					"FT_UNKNOWN_FORMAT",
					`${input.name}: a .tape cannot be read from a stream; give the file's name, or convert it with --format jsonl`,
				);
			const { path } = input;
			return {
				async *[Symbol.asyncIterator]() {
					const { openStore } = await import("../src/store/sqlite.ts");
					// stays open for the bodies of flows that outlive the reading, and closes when the last of them is gone
					yield* openStore(path, { mode: "read", report }).read({ filter, ids });
				},
				async transfer(sink) {
					if (!(sink instanceof NewTape)) return null;
					const { openStore } = await import("../src/store/sqlite.ts");
					const source = openStore(path, { mode: "read", report });
					try {
						return sink.store.takeRows(source, { filter, ids });
					} finally {
						await source.close();
					}
				},
			};
		},
		async openKeyed(path, { report }) {
			const { openStore } = await import("../src/store/sqlite.ts");
			return openStore(path, { mode: "read", report });
		},
		async create(path, options) {
			if (path === "-") throw new FlowtapeError("FT_USAGE", "a .tape cannot be written to a stream; give a file's name, or --format jsonl");
			const { openStore } = await import("../src/store/sqlite.ts");
			const { report } = options;
			if (!options.append) {
				const draft = draftName(path);
				return new NewTape(path, draft, openStore(draft, { mode: "create", report, requestKey }));
			}
			return openStore(path, { mode: "append", requestKey, report, durable: options.durable ?? false });
		},
	};
}

/** A tape beside the target, which takes its place when it is whole. */
class NewTape implements FlowSink {
	readonly store: SqliteStore;
	readonly #path: string;
	readonly #draft: string;

	constructor(path: string, draft: string, store: SqliteStore) {
		this.store = store;
		this.#path = path;
		this.#draft = draft;
	}

	append(flow: Flow): void {
		this.store.append(flow);
	}

	async close(): Promise<void> {
		try {
			await this.store.close();
			await rename(this.#draft, this.#path);
		} catch (error) {
			await rm(this.#draft, { force: true });
			throw error instanceof FlowtapeError ? error : outputError(this.#path, error);
		}
	}

	async discard(): Promise<void> {
		await this.store.discard();
		await rm(this.#draft, { force: true });
	}
}
