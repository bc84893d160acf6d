// The thread that merges the write-ahead log of a tape into its file, when it is told to. What hinders it, such as a full disk, ends it.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { TapeDatabase } from "./database.ts";

/** What the thread is started with: the path of a tape. */
export type MergeTask = string;

/** What the thread is told. It answers each "merge" when that is done. */
export type MergeOrder = "merge" | "close";

const port = parentPort as MessagePort;
const db = new TapeDatabase(workerData as MergeTask, "merge", false);

port.on("message", (order: MergeOrder) => {
	if (order === "merge") {
		db.checkpoint();
		port.postMessage("merged");
	} else {
		db.close();
		port.close();
	}
});
