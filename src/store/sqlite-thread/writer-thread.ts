// The thread that writes a new tape: takes parcels of rows, gives their buffers back, and says how it ended.
import { isMainThread, type MessagePort, parentPort, workerData } from "node:worker_threads";
import { FlowtapeError } from "../../errors.ts";
import { tuneProcess } from "../../process-tuning.ts";
import { TapeDatabase } from "../sqlite/database.ts";
import type { ReusableRows } from "../sqlite/row-reuse.ts";
import { RowWriter } from "../sqlite/row-writer.ts";
import { type RowBatch, RowBatchDecoder } from "./row-batch.ts";

/** What the thread is started with. */
export interface WriterTask {
	/** Of a new tape, whose tables are there. */
	readonly path: string;
	/** What its flows may refer to. */
	readonly lent: ReusableRows | null;
	/** Whether the process may be tuned. */
	readonly isTuned?: boolean;
}

/** What the thread is told: rows, or how to end. */
export type WriterOrder = RowBatch | "close" | "discard";

/** What it answers. */
export type WriterAnswer = { readonly bytes: ArrayBuffer } | { readonly failure: WriterFailure } | "begun" | "ended";

/** A FlowtapeError, which cannot go from thread to thread. */
export interface WriterFailure {
	readonly code: FlowtapeError["code"];
	readonly message: string;
	readonly file: string | undefined;
	readonly cause: string;
}

/** Writes what comes through a port. After a failure nothing more is written. */
export function serveWriter(port: MessagePort, { path, lent }: WriterTask): void {
	const say = (answer: WriterAnswer, transfer: ArrayBuffer[] = []) => port.postMessage(answer, transfer);
	let rows: RowWriter | null = null;
	const attempt = (action: () => void): void => {
		try {
			action();
		} catch (error) {
			void rows?.close();
			rows = null;
			if (!(error instanceof FlowtapeError)) throw error;
			const { code, message, file, cause } = error;
			say({ failure: { code, message, file, cause: String(cause) } });
		}
	};
	attempt(() => {
		const db = new TapeDatabase(path, "create", false);
		db.buildIndexes();
		rows = new RowWriter(db, null);
		if (lent !== null) rows.borrow(lent);
		say("begun");
	});
	const unpacker = rows === null ? null : new RowBatchDecoder(rows);
	port.on("message", (order: WriterOrder) => {
		if (typeof order === "object") {
			if (rows !== null) attempt(() => unpacker?.write(order));
			say({ bytes: order.bytes }, [order.bytes]);
			return;
		}
		attempt(() => {
			if (order === "close") rows?.finish();
			void rows?.close();
		});
		say("ended");
		port.close();
	});
}

// only as the thread: others load this module for what it exports
const task: WriterTask | undefined = isMainThread ? undefined : workerData?.flowtapeWriter;
if (task?.isTuned) tuneProcess();
if (task !== undefined && parentPort !== null) serveWriter(parentPort, task);
