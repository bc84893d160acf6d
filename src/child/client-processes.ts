// Notices when a command's client is started again, as by a test runner in watch mode: each Node process leaves a file in
// a folder before it first connects to the proxy (node-preload.cts).
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasErrno } from "../errors.ts";

export class ClientProcesses {
	/** A process leaves its file here. The name begins with the process id and a hyphen. */
	readonly folder = mkdtempSync(join(tmpdir(), "flowtape-clients-"));
	/** The processes that have connected, until they have ended. */
	readonly #running = new Set<number>();
	#hasConnected = false;
	/** Whether programs other than Node connect. The end of their processes cannot be noticed, so no restart is. */
	#hasOthers = false;

	/**
	 * Call for each new connection, before its first request is handled. Returns whether it is the first connection of a
	 * Node process, and all processes that connected before have ended.
	 */
	hasRestarted(): boolean {
		if (this.#hasOthers) return false;
		const files = readdirSync(this.folder);
		for (const pid of this.#running) if (hasEnded(pid)) this.#running.delete(pid);
		const isAlone = this.#running.size === 0;
		if (files.length === 0) {
			this.#hasOthers = isAlone;
			return false;
		}
		for (const file of files) {
			rmSync(join(this.folder, file));
			this.#running.add(Number.parseInt(file, 10));
		}
		const isRestart = isAlone && this.#hasConnected;
		this.#hasConnected = true;
		return isRestart;
	}

	/** Removes the folder. */
	close(): void {
		rmSync(this.folder, { recursive: true, force: true });
	}
}

function hasEnded(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return false;
	} catch (error) {
		// EPERM: the process exists and belongs to another user
		return hasErrno(error, "ESRCH");
	}
}
