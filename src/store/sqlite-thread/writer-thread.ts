// The worker thread that writes a new tape. It receives batches of rows, returns their buffers, and reports failures
// and its end.
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { FlowtapeError } from "../../errors.ts";
import { tuneProcess } from "../../process-tuning.ts";
import { TapeDatabase } from "../sqlite/database.ts";
import type { ReusableRows } from "../sqlite/row-reuse.ts";
import { RowWriter } from "../sqlite/row-writer.ts";
import { type RowBatch, RowBatchDecoder } from "./row-batch.ts";

/** The thread's workerData. */
export interface WriterTask {
	/** Path of a new tape that already has its tables. */
	readonly path: string;
	/** Rows of another tape to which its flows may refer. */
	readonly reusable: ReusableRows | null;
	/** Whether the process may be tuned. */
	readonly isTuned?: boolean;
}

/** A message to the thread: rows to write, or the end of the tape. */
export type WriterCommand = RowBatch | "close";

/** A message from the thread. */
export type WriterReply = { readonly bytes: ArrayBuffer } | { readonly failure: WriterFailure } | "begun" | "ended";

/** A FlowtapeError as a plain object, which can be cloned between threads. */
export interface WriterFailure {
	readonly code: FlowtapeError["code"];
	readonly message: string;
	readonly file: string | undefined;
	readonly cause: string;
}

/** Writes the batches that arrive on a port. After a failure it writes nothing more. */
export function serveWriter(port: MessagePort, { path, reusable }: WriterTask): void {
	const send = (reply: WriterReply, transfer: ArrayBuffer[] = []) => port.postMessage(reply, transfer);
	let rows: RowWriter | null = null;
	const attempt = (action: () => void): void => {
		try {
			action();
		} catch (error) {
			void rows?.close();
			rows = null;
			if (!(error instanceof FlowtapeError)) throw error;
			const { code, message, file, cause } = error;
			send({ failure: { code, message, file, cause: String(cause) } });
		}
	};
	attempt(() => {
		const db = new TapeDatabase(path, "create", false);
		db.buildIndexes();
		rows = new RowWriter(db, null);
		if (reusable !== null) rows.reuseRows(reusable);
		send("begun");
	});
	const decoder = rows === null ? null : new RowBatchDecoder(rows);
	port.on("message", (command: WriterCommand) => {
		if (typeof command === "object") {
			if (rows !== null) attempt(() => decoder?.write(command));
			send({ bytes: command.bytes }, [command.bytes]);
			return;
		}
		attempt(() => {
			rows?.finish();
			void rows?.close();
		});
		send("ended");
		port.close();
	});
}

// do this only in the thread: tests import this module for its exports
const task: WriterTask | undefined = isMainThread ? undefined : workerData?.flowtapeWriter;
if (task?.isTuned) tuneProcess();
if (task !== undefined && parentPort !== null) serveWriter(parentPort, task);
