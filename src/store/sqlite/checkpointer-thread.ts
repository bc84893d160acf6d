// The worker thread that runs checkpoints of a tape's write-ahead log on command. An error, such as a full disk, ends
// the thread.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { TapeDatabase } from "./database.ts";

/** The thread's workerData: the path of a tape. */
export type CheckpointTask = string;

/** A message to the thread. It replies "done" to each "checkpoint". */
export type CheckpointCommand = "checkpoint" | "close";

const port = parentPort as MessagePort;
const db = new TapeDatabase(workerData as CheckpointTask, "checkpoint", false);

port.on("message", (command: CheckpointCommand) => {
	if (command === "checkpoint") {
		db.checkpoint();
		port.postMessage("done");
	} else {
		db.close();
		port.close();
	}
});
