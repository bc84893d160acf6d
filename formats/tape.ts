// `.tape`: the flow store as a format among others.
import { rename, rm } from "node:fs/promises";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow, HttpFlow } from "../src/flow/flow.ts";
import type { FlowSink, FlowSource } from "../src/flow/pipe.ts";
import { openStore } from "../src/store/sqlite.ts";
import type { FlowStore } from "../src/store/store.ts";
import type { Format, SinkOptions } from "./format.ts";
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
			return readAndClose(openStore(input.path, { mode: "read", report }), { filter, ids });
		},
		async create(path, options) {
			if (path === "-") throw new FlowtapeError("FT_USAGE", "a .tape cannot be written to a stream; give a file's name, or --format jsonl");
			return options.append
				? openStore(path, { mode: "append", requestKey, ...options, durable: options.durable ?? false })
				: createNew(path, options, requestKey);
		},
	};
}

/** A source that closes its store when it is read to the end, or no further. */
function readAndClose(store: FlowStore, options: Parameters<FlowStore["read"]>[0]): FlowSource {
	return {
		async *[Symbol.asyncIterator]() {
			try {
				yield* store.read(options);
			} finally {
				await store.close();
			}
		},
	};
}

/** A tape beside the target, which takes its place when it is whole. */
async function createNew(path: string, { report }: SinkOptions, requestKey: (flow: HttpFlow) => string): Promise<FlowSink> {
	const draft = draftName(path);
	const store = openStore(draft, { mode: "create", report, requestKey });
	return {
		append: (flow: Flow) => store.append(flow),
		async close() {
			try {
				await store.close();
				await rename(draft, path);
			} catch (error) {
				await rm(draft, { force: true });
				throw error instanceof FlowtapeError ? error : outputError(path, error);
			}
		},
	};
}
