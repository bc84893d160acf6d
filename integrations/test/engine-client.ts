// The engine as the test's thread sees it: starts the worker thread, calls its functions, and receives its events.
import { MessageChannel, receiveMessageOnPort, Worker } from "node:worker_threads";
import type { EngineCall, EngineCalls, FromEngine, ToEngine } from "./messages.ts";
import { type EngineThread, threadState } from "./thread-state.ts";

/** An event of one tape. */
export type TapeEvent = Extract<FromEngine, { tape: number }>;

/** A call without a result yet. */
interface Pending {
	resolve(result: EngineCalls[EngineCall]["result"]): void;
	reject(error: Error): void;
}

/** How long a blocked thread waits for the engine. Milliseconds. */
const BLOCKED_MS = 10_000;

/** An error of the engine, such as a damaged tape. */
export class EngineError extends Error {
	/** A code of flowtape's errors (docs/errors.md); null: it has none. */
	readonly code: string | null;

	constructor(message: string, code: string | null = null) {
		super(message);
		this.name = "FlowtapeError";
		this.code = code;
	}
}

/** A tape in the engine. It listens to the thread until `detach`. */
export class EngineClient {
	readonly tape: number;
	readonly #thread: EngineThread;
	readonly #onEvent: (event: TapeEvent) => void;
	readonly #pending = new Map<number, Pending>();
	readonly #onMessage = (message: FromEngine) => this.#receive(message);
	readonly #onError = (cause: unknown) => this.#end((cause as Error | null)?.message ?? String(cause));
	readonly #onExit = (status: number) => this.#end(`its thread exited with status ${status}`);
	/** Why the engine ended; null: it runs. */
	failure: EngineError | null = null;

	constructor(onEvent: (event: TapeEvent) => void) {
		this.#onEvent = onEvent;
		this.#thread = threadState().thread ??= startThread();
		this.tape = this.#thread.tapes++;
		this.#thread.port.on("message", this.#onMessage);
		this.#thread.worker.on("error", this.#onError).on("exit", this.#onExit);
		this.#keepAlive();
	}

	/** Calls a function of the engine. */
	call<Name extends EngineCall>(
		name: Name,
		argument: EngineCalls[Name]["argument"],
	): Promise<EngineCalls[Name]["result"]> {
		return new Promise((resolve, reject) => {
			this.#send(name, argument, null, { resolve: resolve as Pending["resolve"], reject });
		});
	}

	/** As `call`, but blocks this thread until the result is there. */
	callBlocking<Name extends EngineCall>(
		name: Name,
		argument: EngineCalls[Name]["argument"],
	): EngineCalls[Name]["result"] {
		const wake = new Int32Array(new SharedArrayBuffer(4));
		let outcome = (): EngineCalls[Name]["result"] => {
			throw new EngineError("the engine of flowtape does not answer");
		};
		this.#send(name, argument, wake, {
			resolve: (result) => {
				outcome = () => result;
			},
			reject: (error) => {
				outcome = () => {
					throw error;
				};
			},
		});
		if (this.failure === null) Atomics.wait(wake, 0, 0, BLOCKED_MS);
		this.drain();
		return outcome();
	}

	/** Sends a message about the tape that has no result. */
	post(message: Extract<ToEngine, { kind: "route" | "called" | "returned" }>): void {
		this.#thread.port.postMessage(message);
	}

	/** Handles the events that have arrived, without waiting for the event loop. */
	drain(): void {
		const { port } = this.#thread;
		for (let one = receiveMessageOnPort(port); one !== undefined; one = receiveMessageOnPort(port))
			port.emit("message", one.message);
	}

	/** Call when the tape was ejected. */
	detach(): void {
		this.#thread.port.off("message", this.#onMessage);
		this.#thread.worker.off("error", this.#onError).off("exit", this.#onExit);
	}

	#send(
		name: EngineCall,
		argument: EngineCalls[EngineCall]["argument"],
		wake: Int32Array | null,
		pending: Pending,
	): void {
		if (this.failure !== null) {
			pending.reject(this.failure);
			return;
		}
		const id = this.#thread.calls++;
		this.#pending.set(id, pending);
		this.#keepAlive();
		this.#thread.port.postMessage({ kind: "call", id, tape: this.tape, name, argument, wake } satisfies ToEngine);
	}

	#receive(message: FromEngine): void {
		if ("tape" in message) {
			if (message.tape === this.tape) this.#onEvent(message);
			return;
		}
		const pending = this.#pending.get(message.id);
		if (pending === undefined) return;
		this.#pending.delete(message.id);
		this.#keepAlive();
		if (message.kind === "result") pending.resolve(message.result);
		else pending.reject(new EngineError(message.error.message, message.error.code));
	}

	#end(why: string): void {
		if (this.failure !== null) return;
		this.failure = new EngineError(`the engine of flowtape ended: ${why}`);
		if (threadState().thread === this.#thread) threadState().thread = null;
		for (const { reject } of this.#pending.values()) reject(this.failure);
		this.#pending.clear();
		this.#onEvent({ kind: "failed", tape: this.tape, message: this.failure.message });
	}

	/** The engine keeps the process alive only while a call is open. */
	#keepAlive(): void {
		const how = this.#pending.size > 0 ? "ref" : "unref";
		this.#thread.worker[how]();
		this.#thread.port[how]();
	}
}

function startThread(): EngineThread {
	const { port1: port, port2 } = new MessageChannel();
	// options of the runner, such as loaders and inspectors, are for the test's thread
	const worker = new Worker(new URL("./engine.js", import.meta.url), {
		workerData: port2,
		transferList: [port2],
		execArgv: [],
		name: "flowtape",
	});
	// without any listener, an error would end the process; a bound function of the core outlives Jest's sandboxes
	worker.on("error", worker.emit.bind(worker, "flowtape-ended"));
	worker.on("exit", port.close.bind(port));
	return { worker, port, calls: 0, tapes: 0 };
}
