// Prepares the worker threads that this thread starts: a module runs in them before their own code. Programs may have
// kept the class `Worker`, so that it cannot be replaced. But it hands each thread its code by
// `MessagePort.prototype.postMessage`, in a message that is not documented. The message is the same in Node 20 to 26.
import { MessagePort } from "node:worker_threads";
import type { Replaceable } from "./patches.ts";

/** What runs in a worker thread before its own code. */
export interface WorkerPreload {
	/** The path of a module that has no top-level `await`. Its function `route` is called with the data. */
	readonly module: string;
	/**
	 * The data, which JSON can hold.
	 * @param scope the scope in which the thread is started; null: none
	 */
	readonly data: (scope: string | null) => object;
}

/** The message with the code of a thread. */
interface LoadScript {
	readonly type: "loadScript";
	/** false: the code is a file. */
	readonly doEval: false | "classic" | "module" | "data-url";
	/** A path, code or a URL, by `doEval`. */
	readonly filename: string;
	/** Whether it is a thread of Node's own. */
	readonly isInternal?: boolean;
}

export function workerPatches(preload: WorkerPreload, scope: () => string | null): Replaceable[] {
	return [
		{
			owner: MessagePort.prototype,
			ownerName: "worker_threads.MessagePort.prototype",
			key: "postMessage",
			handler: (original, self, [message, ...rest]) =>
				Reflect.apply(original, self, [isLoadScript(message) ? prepared(message, preload, scope()) : message, ...rest]),
		},
	];
}

function isLoadScript(message: unknown): message is LoadScript {
	const { type, doEval, filename, isInternal } = Object(message) as Partial<LoadScript>;
	return type === "loadScript" && doEval !== undefined && typeof filename === "string" && isInternal !== true;
}

function prepared(message: LoadScript, { module, data }: WorkerPreload, scope: string | null): LoadScript {
	const [path, file] = [JSON.stringify(module), JSON.stringify(message.filename)];
	// works in scripts and in modules; on the first line of the code, so that line numbers do not change
	const first = `process.getBuiltinModule("module").createRequire(${path})(${path}).route(${JSON.stringify(data(scope))});`;
	switch (message.doEval) {
		case false:
			return {
				...message,
				doEval: "classic",
				filename: `${first} process.argv.splice(1, 1, ${file}); require("module").runMain(${file})`,
			};
		case "data-url":
			return { ...message, doEval: "classic", filename: `${first} import(${file})` };
		case "module":
			// imports of the code would be evaluated before it
			return { ...message, filename: `${first} await import(${JSON.stringify(dataUrl(message.filename))})` };
		default:
			return { ...message, filename: `${strictness(message.filename)}${first} ${message.filename}` };
	}
}

function dataUrl(code: string): string {
	return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** A directive counts only if it is first. */
function strictness(code: string): string {
	return /^\s*(["'])use strict\1/.test(code) ? '"use strict"; ' : "";
}
