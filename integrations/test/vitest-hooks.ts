// The hooks of Vitest, and names and results of tests in its tasks.
import { SEPARATOR } from "./names.ts";
import type { RunnerHooks, RunningTest } from "./use-tape.ts";

/** A test, suite or file of Vitest, as far as it is used. */
export interface VitestTask {
	readonly type: string;
	readonly name: string;
	readonly suite?: VitestTask | undefined;
	readonly file: VitestTask & { readonly filepath: string };
	readonly tasks?: readonly VitestTask[];
	readonly result?: { readonly state: string } | undefined;
}

type TaskHook = (context: { task: VitestTask }) => Promise<void>;

/** The functions of Vitest that are used. */
export interface VitestFunctions {
	beforeAll(hook: () => Promise<void>): void;
	beforeEach(hook: TaskHook): void;
	afterEach(hook: TaskHook): void;
	afterAll(hook: () => Promise<void>): void;
	readonly vi: VitestClock;
}

interface VitestClock {
	useFakeTimers(options: { toFake: string[]; now: Date }): void;
	useRealTimers(): void;
}

export function vitestHooks({ vi, ...functions }: VitestFunctions): RunnerHooks {
	let file: VitestTask | null = null;
	return {
		runner: "vitest",
		file: () => null,
		beforeAll: (hook) => functions.beforeAll(() => hook()),
		// Vitest wants the parameter to be destructured
		beforeEach: (hook) =>
			functions.beforeEach(({ task }) => {
				file = task.file;
				return hook(testOf(task));
			}),
		afterEach: (hook) => functions.afterEach(({ task }) => hook(testOf(task))),
		afterAll: (hook) => functions.afterAll(() => hook()),
		freezeTime(now) {
			vi.useFakeTimers({ toFake: ["Date"], now });
			return () => vi.useRealTimers();
		},
		tellsTestsApart: true,
		hasSkipped: () =>
			file === null || testsIn(file).some(({ result }) => result === undefined || isSkipped(result.state)),
	};
}

/** A test, for hooks. */
export function testOf(task: VitestTask): RunningTest {
	return {
		name: nameOf(task),
		identity: task,
		hasFailed: () => task.result?.state === "fail",
	};
}

function nameOf({ name, suite }: VitestTask): string {
	// the suite of a file has no name
	return suite === undefined || suite.name === "" || "filepath" in suite ? name : `${nameOf(suite)}${SEPARATOR}${name}`;
}

function testsIn(task: VitestTask): VitestTask[] {
	return task.tasks === undefined ? [task] : task.tasks.flatMap(testsIn);
}

function isSkipped(state: string): boolean {
	return state === "skip" || state === "todo";
}
