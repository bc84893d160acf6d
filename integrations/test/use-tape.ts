// `useTape`: inserts the tape of a test file or of each test by the hooks of a test runner.
import { EngineError } from "./engine-client.ts";
import type { Runner } from "./failure-text.ts";
import { type InsertedTape, TestTape } from "./inserted-tape.ts";
import { pathOf, tapePath } from "./names.ts";
import type { TapeOptions } from "./options.ts";
import { captureStack, userFrames } from "./request-origins.ts";
import { threadState } from "./thread-state.ts";

/** A test that runs, as its runner knows it. */
export interface RunningTest {
	/** Its full name, with the names of its suites. */
	readonly name: string;
	/** The same object for each attempt of the same test. */
	readonly identity: object;
	/** Whether it has failed. Call after the test. */
	hasFailed(): boolean;
	/** Fails the test. Default: by throwing. */
	fail?(problem: Error): void;
}

/** The hooks of a test runner. */
export interface RunnerHooks {
	readonly runner: Runner | null;
	/** The path of the test file that is being loaded; null: unknown. */
	file(): string | null;
	beforeAll(hook: () => Promise<void>): void;
	beforeEach(hook: (test: RunningTest) => Promise<void>): void;
	afterEach(hook: (test: RunningTest) => Promise<void>): void;
	afterAll(hook: () => Promise<void>): void;
	/** Sets the clock (`Date` alone) and returns a function that restores it; null: the runner has none. */
	readonly freezeTime: ((at: Date) => () => void) | null;
	/** Whether `beforeEach` runs in the asynchronous context of its test, so that requests tell their test. */
	readonly tellsTestsApart: boolean;
	/** Whether tests of the file were left out, such as by `-t` or `.only`. Call after all tests. */
	hasSkipped(): boolean;
}

/** The tape of a test file. */
export interface TapeInUse {
	/**
	 * The tape that is inserted now.
	 * @throws Error outside of tests
	 */
	readonly current: InsertedTape;
}

/** A tape, and what its tests have done so far. */
class Session {
	readonly tape: TestTape;
	readonly #unfreeze: () => void;
	/** The tests that failed in their last attempt. */
	readonly failed = new Set<object>();

	constructor(tape: TestTape, unfreeze: () => void) {
		this.tape = tape;
		this.#unfreeze = unfreeze;
	}

	async end(isWhole: boolean): Promise<void> {
		this.#unfreeze();
		await this.tape.end({ keeps: this.failed.size === 0, isWhole });
	}
}

class TapeUse implements TapeInUse {
	readonly #hooks: RunnerHooks;
	readonly #options: TapeOptions;
	readonly #file: string;
	readonly #frames: string | null;
	readonly #isPerTest: boolean;
	/** With a tape for each test: the test of each tape. */
	readonly #owners = new Map<string, object>();
	readonly #running = new Set<object>();
	/** The tests that have begun. */
	readonly #attempted = new WeakSet<object>();
	#session: Session | null = null;

	constructor(hooks: RunnerHooks, options: TapeOptions, file: string, frames: string | null) {
		this.#hooks = hooks;
		this.#options = options;
		this.#file = file;
		this.#frames = frames;
		this.#isPerTest = options.tape === "per-test";
	}

	get current(): InsertedTape {
		if (this.#session === null)
			throw new EngineError(
				"no tape is inserted: `current` is for tests, and for hooks that run after those of useTape",
			);
		return this.#session.tape;
	}

	/** @throws Error for tests at the same time that would have a tape each, or whose requests do not tell their test */
	register(): void {
		const hooks = this.#hooks;
		if (this.#options.concurrent === true && !hooks.tellsTestsApart)
			throw new EngineError(
				"concurrent: this runner does not say which test makes a request. Leave the option out: tests that run at the same time then share the recordings of their file. Or run the tests one after another, or use Vitest",
			);
		if (this.#isPerTest && this.#options.concurrent === true)
			throw new EngineError(
				"concurrent: tests that run at the same time share the tape of their file, so it cannot be per-test",
			);
		if (!this.#isPerTest) {
			hooks.beforeAll(() => this.#insert(pathOf(this.#file)));
			hooks.afterAll(() => this.#end(!hooks.hasSkipped()));
		}
		hooks.beforeEach((test) => this.#begin(test));
		hooks.afterEach((test) => this.#finish(test));
	}

	async #insert(name: string): Promise<void> {
		const { freezeTime = false } = this.#options;
		if (freezeTime && this.#hooks.freezeTime === null)
			throw new EngineError(
				"freezeTime: this runner has no clock that flowtape can set; use the option in flowtape/test/vitest, /jest or /node",
			);
		const tape = await TestTape.insert({
			test: { file: this.#file, name },
			options: this.#options,
			runner: this.#hooks.runner,
			frames: this.#frames,
		});
		const { recordedAt } = tape;
		const unfreeze = freezeTime && recordedAt !== null ? this.#hooks.freezeTime?.(recordedAt) : undefined;
		this.#session = new Session(tape, unfreeze ?? (() => {}));
	}

	/** With `concurrent`, it has entered the scope of the test when it returns its promise. */
	async #begin(test: RunningTest): Promise<void> {
		if (this.#isPerTest) {
			this.#claim(test);
			await this.#insert(test.name);
		}
		this.#running.add(test.identity);
		const isAgain = this.#attempted.has(test.identity);
		this.#attempted.add(test.identity);
		if (this.#options.concurrent === true) await this.#session?.tape.beginScope(test.name, isAgain);
		else if (this.#running.size === 1) await this.#session?.tape.begin(test.name, isAgain);
		else await this.#session?.tape.beginShared();
	}

	/** @throws Error if another test of this name has the same tape */
	#claim({ name, identity }: RunningTest): void {
		const path = tapePath({ file: this.#file, name }, this.#options);
		if ((this.#owners.get(path) ?? identity) !== identity)
			throw new EngineError(`two tests are named "${name}", so they would have the same tape: rename one of them`);
		this.#owners.set(path, identity);
	}

	async #finish(test: RunningTest): Promise<void> {
		this.#running.delete(test.identity);
		const session = this.#session;
		if (session === null) return;
		const problem = session.tape.takeProblem(this.#options.concurrent === true ? test.name : null);
		if (problem !== null || test.hasFailed()) session.failed.add(test.identity);
		else session.failed.delete(test.identity);
		if (this.#isPerTest) await this.#end(true);
		if (problem === null) return;
		if (test.fail === undefined) throw problem;
		test.fail(problem);
	}

	async #end(isWhole: boolean): Promise<void> {
		const session = this.#session;
		this.#session = null;
		const problem = session?.tape.takeProblem() ?? null;
		if (problem !== null) session?.failed.add(this);
		await session?.end(isWhole);
		if (problem !== null) throw problem;
	}
}

/**
 * Registers the hooks of a tape.
 * @param below the function of the package that the test file has called
 */
export function useTapeWith(hooks: RunnerHooks, options: TapeOptions, below: (...args: never[]) => unknown): TapeInUse {
	const frames = userFrames(captureStack(below).stack);
	const file = hooks.file() ?? fileOf(frames);
	if (file === null)
		throw new EngineError("useTape: the test file is unknown; call useTape at the top of the test file");
	const use = new TapeUse(hooks, { ...threadState().defaults, ...options }, file, frames);
	use.register();
	return use;
}

/** The file of the first stack frame; null: none. */
function fileOf(frames: string | null): string | null {
	const [, place = null] = /^\s+at (?:.* \()?(.+?):\d+:\d+\)?$/m.exec(frames ?? "") ?? [];
	return place === null ? null : pathOf(place.replace(/^async /, "").replace(/\?.*$/, ""));
}
