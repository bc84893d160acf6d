// Runs checkpoints of a recording tape's write-ahead log in a worker thread, so that traffic does not wait for the
// disk. The thread starts with the first checkpoint; short recordings need none.
import { Worker } from "node:worker_threads";
import type { CheckpointCommand, CheckpointTask } from "./checkpointer-thread.ts";

/** The thread's module. The relative path is valid both in the compiled sources and in the chunks of a bundle. */
const THREAD = new URL("../sqlite/checkpointer-thread.js", import.meta.url);

/** Bytes committed between two checkpoints, without indexes and unused space in pages. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;

export class WalCheckpointer {
	readonly #path: string;
	#thread: Worker | null = null;
	#ended: Promise<void> | undefined;
	#bytes = 0;
	/**
	 * Whether the thread is working. Stays true if it fails: SQLite then runs a checkpoint on a commit itself once the
	 * log is long.
	 */
	#isBusy = false;

	constructor(path: string) {
		this.#path = path;
	}

	/** Call after each commit, with its size in bytes. */
	committed(bytes: number): void {
		this.#bytes += bytes;
		if (this.#isBusy || this.#bytes < CHECKPOINT_BYTES) return;
		this.#bytes = 0;
		this.#isBusy = true;
		try {
			this.#post("checkpoint");
		} catch {
			// no thread could be started: SQLite checkpoints on commit instead
		}
	}

	#post(command: CheckpointCommand): void {
		this.#thread ??= this.#start();
		this.#thread.postMessage(command);
	}

	#start(): Worker {
		const thread = new Worker(THREAD, { workerData: this.#path satisfies CheckpointTask });
		this.#ended = new Promise((resolve) => thread.once("exit", () => resolve()));
		thread.on("message", () => {
			this.#isBusy = false;
		});
		thread.on("error", () => {});
		thread.unref();
		return thread;
	}

	/** Resolves once the thread has closed the tape; undefined if there is no thread. */
	close(): Promise<void> | undefined {
		if (this.#thread === null) return;
		this.#thread.ref();
		this.#post("close");
		return this.#ended;
	}
}
