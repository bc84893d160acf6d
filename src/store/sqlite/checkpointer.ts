// Has the write-ahead log of a tape that is being recorded merged into its file by a thread: each byte is read and written once more, and the disk is
// waited for, which traffic need not wait for. There is none before enough has come, so that short recordings start no thread.
import { Worker } from "node:worker_threads";
import type { MergeOrder, MergeTask } from "./checkpointer-thread.ts";

/** The thread's module beside this one: from the sources' build and from a bundle's chunks it is the same step. */
const THREAD = new URL("../sqlite/checkpointer-thread.js", import.meta.url);

/** What is committed between two merges, indexes and half-empty pages aside. */
const MERGE_BYTES = 4 * 1024 * 1024;

export class WalCheckpointer {
	readonly #path: string;
	#thread: Worker | null = null;
	#ended: Promise<void> | undefined;
	#bytes = 0;
	/** For good where the thread has failed: the connection that commits merges the log as well, once it is long. */
	#isBusy = false;

	constructor(path: string) {
		this.#path = path;
	}

	/** So many bytes have been committed. */
	committed(bytes: number): void {
		this.#bytes += bytes;
		if (this.#isBusy || this.#bytes < MERGE_BYTES) return;
		this.#bytes = 0;
		this.#isBusy = true;
		try {
			this.#tell("merge");
		} catch {
			// the system has no room for a thread
		}
	}

	#tell(order: MergeOrder): void {
		this.#thread ??= this.#start();
		this.#thread.postMessage(order);
	}

	#start(): Worker {
		const thread = new Worker(THREAD, { workerData: this.#path satisfies MergeTask });
		this.#ended = new Promise((resolve) => thread.once("exit", () => resolve()));
		thread.on("message", () => {
			this.#isBusy = false;
		});
		thread.on("error", () => {});
		thread.unref();
		return thread;
	}

	/** Resolves once the thread has let go of the tape; undefined where there is none. */
	close(): Promise<void> | undefined {
		if (this.#thread === null) return;
		this.#thread.ref();
		this.#tell("close");
		return this.#ended;
	}
}
