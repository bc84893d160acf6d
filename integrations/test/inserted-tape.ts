// A tape that is inserted, as a test sees it.
import { Socket } from "node:net";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunReport } from "../../api/run-events.ts";
import { installRoute, type Route } from "../../src/route/route.ts";
import { EngineClient, EngineError, type TapeEvent } from "./engine-client.ts";
import {
	type FailureContext,
	failuresText,
	lateText,
	missesText,
	openText,
	type Runner,
	replacedText,
	tapeLines,
	unusedText,
} from "./failure-text.ts";
import type { Ejected, FlowData, Inserted, RespondRequest } from "./messages.ts";
import { pathOf, tapePath } from "./names.ts";
import type { JsonValue, Miss, RedactFunction, Responder, SeenRequest, TapeOptions, TestInfo } from "./options.ts";
import { redactBy } from "./redact-function.ts";
import { RequestOrigins } from "./request-origins.ts";
import { answerBy } from "./responder.ts";
import { routedHosts } from "./routed-hosts.ts";
import { TapeError } from "./tape-error.ts";
import { threadState } from "./thread-state.ts";
import { workerPreload } from "./worker-route.ts";

const WORKER_ROUTE = fileURLToPath(new URL("./worker-route.js", import.meta.url));

/** The counts of a tape. */
export interface TapeReport extends RunReport {
	/** Connections of other protocols, such as those of databases, that passed to their servers. */
	readonly passed: number;
}

/** A tape that is inserted: the requests of this process are recorded to it, or answered from it. */
export interface InsertedTape extends AsyncDisposable {
	/** The tape's file. */
	readonly path: string;
	/** Whether requests are recorded. */
	readonly isRecording: boolean;
	/** When the tape was recorded; null: it is new. */
	readonly recordedAt: Date | null;
	/**
	 * A value that is the same in every run with this tape, such as an id or a seed: made and stored when the tape is
	 * recorded, and taken from the tape when it is replayed.
	 * @throws TapeError FT_MISS if nothing is recorded and the tape has no such value
	 */
	value<T extends JsonValue>(name: string, make: () => T): T;
	/** The requests so far. */
	readonly requests: readonly SeenRequest[];
	/** The requests so far that no recording answered. */
	readonly misses: readonly Miss[];
	/** Begins the order of equal requests anew. */
	rewind(): void;
	/**
	 * The environment for a child process whose requests go to this tape too.
	 * @param base the environment to extend; default: `process.env`
	 */
	env(base?: NodeJS.ProcessEnv): Record<string, string>;
	/**
	 * Checks the requests since the last check.
	 * @throws TapeError for the reasons in `failOn`; the error of the engine if it failed
	 */
	check(): Promise<void>;
	/**
	 * Ejects the tape: requests go to the network again, and recordings are kept. Resolves to the counts; further calls
	 * return the same promise.
	 * @throws FlowtapeError FT_IO if the tape cannot be written
	 */
	eject(): Promise<TapeReport>;
}

/** How a tape is inserted. */
export interface InsertContext {
	readonly test: TestInfo;
	readonly options: TapeOptions;
	/** null: unknown. */
	readonly runner: Runner | null;
	/** The stack frames of the test, for errors without a better place; null: unknown. */
	readonly frames: string | null;
}

/** How a tape ends. */
export interface EndContext {
	/** Whether recordings are kept. */
	readonly keeps: boolean;
	/** Whether all tests of the tape ran, so that a recording that never answered is unused. */
	readonly isWhole: boolean;
}

export class TestTape implements InsertedTape {
	readonly path: string;
	readonly #context: InsertContext;
	readonly #client: EngineClient;
	readonly #origins = new RequestOrigins();
	readonly #requests: SeenRequest[] = [];
	readonly #misses: Miss[] = [];
	/** Connections to servers since the last check. */
	#egress: string[] = [];
	/** Errors since the last check. */
	#failures: string[] = [];
	/** Misses since the last check, each with its test; null: unknown. */
	#unchecked: { readonly miss: Miss; readonly test: string | null }[] = [];
	/** Number of the route's errors that were checked. */
	#routeErrors = 0;
	/** Number of scopes so far. */
	#scopes = 0;
	/** The full name of the test that runs. */
	#test: string;
	#inserted: Inserted | null = null;
	#route: Route | null = null;
	readonly #madeValues = new Map<string, string>();
	#restoreEnv: () => void = () => {};
	#ending: Promise<TapeReport> | null = null;

	private constructor(context: InsertContext) {
		const { test, options } = context;
		this.#context = context;
		this.#test = test.name;
		this.path = tapePath(test, options);
		this.#client = new EngineClient((event) => this.#receive(event));
	}

	/**
	 * Inserts a tape, and routes this process to it.
	 * @throws FlowtapeError, TypeError
	 */
	static async insert(context: InsertContext): Promise<TestTape> {
		const { test } = context;
		checkNetwork();
		const state = threadState();
		if (state.holder !== null)
			throw new EngineError(
				`${test.name}: the tape of "${state.holder}" is still inserted, and a process has one tape at a time. Eject it first; tests that run at the same time can share the tape of their file`,
			);
		state.stopWatching?.();
		state.stopWatching = null;
		state.holder = test.name;
		const tape = new TestTape(context);
		try {
			await tape.#insert();
			return tape;
		} catch (error) {
			await tape.#abandon();
			throw error;
		}
	}

	async #insert(): Promise<void> {
		const { options } = this.#context;
		const {
			mode = null,
			match = {},
			miss = 404,
			only = null,
			redact,
			recordFailures = null,
			respond,
			children = false,
			concurrent = false,
		} = options;
		const { filters } = routedHosts(options);
		const env = { ...process.env };
		const inserted = await this.#client.call("insert", {
			tape: this.path,
			mode,
			match,
			miss: miss === "error" ? "kill" : String(miss),
			only,
			passes: filters,
			redact: typeof redact === "function" ? null : (redact ?? null),
			redactText: typeof redact === "function" ? String(redact) : null,
			recordFailures,
			calls: [...(respond ? ["respond" as const] : []), ...(typeof redact === "function" ? ["redact" as const] : [])],
			env,
		});
		this.#inserted = inserted;
		if (inserted.warning !== null) warn(inserted.warning);
		const { entrance, authority, proxy } = inserted;
		// clients that use the variables of child processes connect to the proxy by themselves
		const passthrough = [...(options.passthrough ?? []), `${proxy.host}:${proxy.port}`];
		const connections = { entrance, authority, offline: !inserted.isRecording };
		this.#route = installRoute({
			...connections,
			routes: routedHosts({ passthrough }).routes,
			concurrent,
			workers: workerPreload({ ...connections, passthrough, scope: null, module: WORKER_ROUTE }),
			tell: (message) => this.#client.post({ kind: "route", tape: this.#client.tape, message }),
		});
		this.#origins.start();
		if (children) this.#restoreEnv = setEnvironment(this.env());
	}

	/** Undoes a failed insertion. */
	async #abandon(): Promise<void> {
		this.#route?.remove();
		if (this.#inserted !== null)
			await this.#client.call("eject", { keeps: false, values: new Map(), isWhole: false }).catch(() => {});
		this.#release();
	}

	get isRecording(): boolean {
		return this.#inserted?.isRecording === true;
	}

	get recordedAt(): Date | null {
		const at = this.#inserted?.recordedAt ?? null;
		return at === null ? null : new Date(at);
	}

	get requests(): readonly SeenRequest[] {
		this.#client.drain();
		return this.#requests;
	}

	get misses(): readonly Miss[] {
		this.#client.drain();
		return this.#misses;
	}

	value<T extends JsonValue>(name: string, make: () => T): T {
		const known = this.#inserted?.values.get(name) ?? this.#madeValues.get(name);
		if (known !== undefined) return JSON.parse(known) as T;
		if (!this.isRecording)
			throw this.#errorAt(
				new TapeError(
					"miss",
					`${this.#test}: the tape has no value ${JSON.stringify(name)}\n\n${tapeLines(this.#failure)}`,
				),
				null,
			);
		const json = JSON.stringify(make());
		if (json === undefined) throw new TypeError(`the value ${JSON.stringify(name)} cannot be written as JSON`);
		this.#madeValues.set(name, json);
		return JSON.parse(json) as T;
	}

	rewind(): void {
		this.#client.callBlocking("rewind", null);
	}

	env(base: NodeJS.ProcessEnv = process.env): Record<string, string> {
		return this.#client.callBlocking("env", { ...base });
	}

	/** A test begins, or begins again after it failed; requests from now on are its requests. */
	async begin(name: string, isAgain: boolean): Promise<void> {
		this.#test = name;
		await this.#client.call("begin", { session: name, isAgain, scope: null });
	}

	/**
	 * As `begin`, for tests that run at the same time: everything that the caller does and starts from now on belongs to
	 * the test. Takes effect before it returns.
	 */
	beginScope(name: string, isAgain: boolean): Promise<unknown> {
		const scope = String(++this.#scopes);
		this.#route?.enter(scope);
		return this.#client.call("begin", { session: name, isAgain, scope });
	}

	/** Several tests run at the same time; requests from now on are those of the file. */
	async beginShared(): Promise<void> {
		this.#test = this.#context.test.name;
		await this.#client.call("begin", { session: null, isAgain: false, scope: null });
	}

	async check(): Promise<void> {
		const problem = this.takeProblem();
		if (problem !== null) throw problem;
	}

	/**
	 * Why a test fails, by the requests since the last call; null: it does not.
	 * @param test its name; requests of other tests are left for these. Default: all requests count
	 */
	takeProblem(test: string | null = null): Error | null {
		this.#client.drain();
		const { failOn = ["miss"] } = this.#context.options;
		const isOwn = (one: { readonly test: string | null }) => test === null || one.test === null || one.test === test;
		const misses = this.#unchecked.filter(isOwn).map(({ miss }) => miss);
		this.#unchecked = this.#unchecked.filter((one) => !isOwn(one));
		const routeErrors = (this.#route?.errors ?? []).slice(this.#routeErrors).map(({ message }) => message);
		this.#routeErrors += routeErrors.length;
		const [failures, egress] = [[...this.#failures, ...routeErrors], this.#egress];
		this.#failures = [];
		this.#egress = [];
		const name = test ?? this.#test;
		if (failures.length > 0) return this.#errorAt(new EngineError(`${name}: ${failures.join("\n")}`), null);
		if (misses.length > 0 && failOn.includes("miss"))
			return this.#errorAt(
				new TapeError("miss", missesText(misses, { ...this.#failure, test: name }), misses),
				misses[0] ?? null,
			);
		if (egress.length > 0 && failOn.includes("egress") && !this.isRecording)
			return this.#errorAt(new TapeError("egress", `${name}: connections to servers: ${egress.join(", ")}`), null);
		return null;
	}

	eject(): Promise<TapeReport> {
		return this.end({ keeps: true, isWhole: true });
	}

	/** @throws TapeError if recordings are unused and `failOn` has `unused` */
	end(context: EndContext): Promise<TapeReport> {
		this.#ending ??= this.#end(context);
		return this.#ending;
	}

	async #end({ keeps, isWhole }: EndContext): Promise<TapeReport> {
		let ejected: Ejected;
		try {
			ejected = await this.#client.call("eject", { keeps, values: this.#madeValues, isWhole });
		} finally {
			this.#watchLate();
			const { replaced = [] } = this.#route?.remove() ?? {};
			this.#release();
			if (replaced.length > 0) warn(replacedText(replaced));
		}
		const { open, failures, unused, report, errors } = ejected;
		if (open.length > 0) warn(openText(open, this.#test));
		if (failures.size > 0) warn(failuresText(failures, this.path));
		const { failOn = [] } = this.#context.options;
		if (failOn.includes("unused") && unused.length > 0)
			throw this.#errorAt(new TapeError("unused", unusedText(unused, this.#failure)), null);
		return { ...report, errors: errors.map((message) => new EngineError(message)) };
	}

	/** Reports requests that the test file makes from now on, until another tape is inserted. */
	#watchLate(): void {
		const file = basename(this.#failure.file);
		const test = this.#test;
		this.#origins.onRequest = (request, frames) => {
			if (frames.includes(file)) warn(lateText(request, frames, test));
		};
		threadState().stopWatching = () => this.#origins.stop();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		const problem = this.takeProblem();
		await this.end({ keeps: problem === null, isWhole: true });
		if (problem !== null) throw problem;
	}

	#release(): void {
		this.#restoreEnv();
		this.#client.detach();
		threadState().holder = null;
	}

	#receive(event: TapeEvent): void {
		switch (event.kind) {
			case "seen":
				this.#requests.push(event.request);
				break;
			case "missed":
				this.#misses.push(event.miss);
				this.#unchecked.push(event);
				break;
			case "egress":
				this.#egress.push(event.destination);
				break;
			case "failed":
				this.#failures.push(event.message);
				break;
			case "call":
				void this.#call(event);
		}
		// a dead engine would leave the code under test waiting
		if (this.#client.failure !== null) this.#route?.remove();
	}

	/** The engine calls an option of the test. */
	async #call({ id, name, argument }: Extract<TapeEvent, { kind: "call" }>): Promise<void> {
		const { respond, redact } = this.#context.options;
		const answer = { kind: "returned", tape: this.#client.tape, id } as const;
		this.#client.post({ ...answer, kind: "called" });
		try {
			const result =
				name === "respond"
					? await answerBy(respond as Responder, argument as RespondRequest)
					: redactBy(redact as RedactFunction, argument as FlowData);
			this.#client.post({ ...answer, result, error: null });
		} catch (error) {
			this.#client.post({ ...answer, result: null, error: (error as Error | null)?.message ?? String(error) });
		}
	}

	get #failure(): FailureContext {
		const { test, runner } = this.#context;
		const exists = this.#inserted?.exists === true;
		return { test: this.#test, file: pathOf(test.file), tape: this.path, exists, runner };
	}

	/** Makes the stack of an error point to the request or to the test. */
	#errorAt(error: Error, miss: Miss | null): Error {
		const frames = (miss && this.#origins.framesOf(miss.method, miss.url)) ?? this.#context.frames;
		if (frames !== null) error.stack = `${error.name}: ${error.message}\n${frames}`;
		return error;
	}
}

/** Replaces the environment; returns a function that restores it. */
function setEnvironment(values: Readonly<Record<string, string>>): () => void {
	const restores = [process.env, ...coreEnvironment()].map((env) => {
		const before = { ...env };
		replaceEnvironment(env, values);
		return () => replaceEnvironment(env, before);
	});
	return () => {
		for (const restore of restores) restore();
	};
}

/**
 * The environment that core modules read, such as `child_process`. In Jest, `process.env` is a copy of it, and a function
 * that a core module's realm makes sees the original. Empty: functions cannot be made from text.
 */
function coreEnvironment(): NodeJS.ProcessEnv[] {
	try {
		const { env } = (Socket.constructor as FunctionConstructor)("return process")() as NodeJS.Process;
		return env === process.env ? [] : [env];
	} catch {
		return [];
	}
}

function replaceEnvironment(env: NodeJS.ProcessEnv, values: NodeJS.ProcessEnv): void {
	for (const name of Object.keys(env)) if (values[name] === undefined) delete env[name];
	Object.assign(env, values);
}

/**
 * Checks that the route can be installed.
 * @throws EngineError if the test has replaced the module `net`
 */
function checkNetwork(): void {
	const connect: unknown = Socket?.prototype?.connect;
	if (typeof connect === "function" && !("mock" in connect)) return;
	throw new EngineError(
		"the module node:net is mocked, so requests cannot be routed to a tape: remove the mock (vi.mock, jest.mock) from files that use a tape",
	);
}

function warn(message: string): void {
	process.emitWarning(message, "FlowtapeWarning");
}
