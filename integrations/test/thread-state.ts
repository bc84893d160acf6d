// The state that all copies of this module in a thread share: Jest loads one for each test file. It hangs on a class of
// the core, because globals and even `process` are copies there. It holds core objects and data; functions of a
// test file end with its sandbox.
import { Socket } from "node:net";
import type { MessagePort, Worker } from "node:worker_threads";
import type { TapeOptions } from "./options.ts";

/** The engine's thread. */
export interface EngineThread {
	readonly worker: Worker;
	readonly port: MessagePort;
	/** The number of calls and of tapes so far. */
	calls: number;
	tapes: number;
}

export interface ThreadState {
	/** null: it is not started, or it ended. */
	thread: EngineThread | null;
	/** The options that `setup` was given. */
	defaults: TapeOptions;
	/** The test or file whose tape is inserted; null: none. */
	holder: string | null;
	/** Ends the watch for requests after the last tape; null: there is none. */
	stopWatching: (() => void) | null;
}

const KEY = Symbol.for("flowtape.test");

export function threadState(): ThreadState {
	const host = Socket as typeof Socket & { [KEY]?: ThreadState };
	host[KEY] ??= { thread: null, defaults: {}, holder: null, stopWatching: null };
	return host[KEY];
}
