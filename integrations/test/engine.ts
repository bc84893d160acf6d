// The engine of `flowtape/test`: a worker thread with the proxies, tapes and recordings of a process's tests. It calls
// the functions that the test's thread asks for.
import { type MessagePort, workerData } from "node:worker_threads";
import { type CertificateAuthority, inMemoryAuthority } from "../../src/ca/authority.ts";
import { EngineTape } from "./engine-tape.ts";
import type { EngineCall, EngineCalls, ErrorMessage, FromEngine, Inserted, InsertSetup, ToEngine } from "./messages.ts";

type CallMessage = Extract<ToEngine, { kind: "call" }>;

class Engine {
	readonly #port: MessagePort;
	readonly #tapes = new Map<number, EngineTape>();
	#authority: Promise<CertificateAuthority> | null = null;

	constructor(port: MessagePort) {
		this.#port = port;
		port.on("message", (message: ToEngine) => this.#receive(message));
	}

	#receive(message: ToEngine): void {
		if (message.kind === "call") void this.#call(message);
		else if (message.kind === "route") this.#tapes.get(message.tape)?.route(message.message);
		else if (message.kind === "called") this.#tapes.get(message.tape)?.called(message.id);
		else this.#tapes.get(message.tape)?.returned(message);
	}

	async #call({ id, tape, name, argument, wake }: CallMessage): Promise<void> {
		try {
			this.#post({ kind: "result", id, result: await this.#run(tape, name, argument) });
		} catch (error) {
			this.#post({ kind: "error", id, error: errorMessage(error) });
		}
		if (wake !== null) {
			Atomics.store(wake, 0, 1);
			Atomics.notify(wake, 0);
		}
	}

	async #run(id: number, name: EngineCall, argument: unknown): Promise<EngineCalls[EngineCall]["result"]> {
		if (name === "insert") return this.#insert(id, argument as InsertSetup);
		const tape = this.#tapes.get(id);
		if (tape === undefined) throw new Error("this tape is not inserted any more");
		switch (name) {
			case "begin":
				tape.begin(argument as EngineCalls["begin"]["argument"]);
				return null;
			case "rewind":
				tape.rewind();
				return null;
			case "env":
				return tape.env(argument as EngineCalls["env"]["argument"]);
			case "eject":
				this.#tapes.delete(id);
				return tape.eject(argument as EngineCalls["eject"]["argument"]);
		}
	}

	async #insert(id: number, setup: InsertSetup): Promise<Inserted> {
		this.#authority ??= inMemoryAuthority();
		const tape = await EngineTape.open(id, setup, (message) => this.#post(message));
		const inserted = await tape.start(await this.#authority);
		this.#tapes.set(id, tape);
		return inserted;
	}

	#post(message: FromEngine): void {
		this.#port.postMessage(message);
	}
}

function errorMessage(error: unknown): ErrorMessage {
	if (!(error instanceof Error)) return { message: String(error), code: null };
	return { message: error.message, code: "code" in error && typeof error.code === "string" ? error.code : null };
}

new Engine(workerData as MessagePort);
