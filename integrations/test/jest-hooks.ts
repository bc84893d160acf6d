// The hooks of Jest, and names and results of tests in its state.
import { SEPARATOR } from "./names.ts";
import type { RunnerHooks, RunningTest } from "./use-tape.ts";

type AddHook = (hook: () => Promise<void>) => void;

/** The functions of Jest that are used. */
export interface JestFunctions {
	readonly beforeAll: AddHook;
	readonly beforeEach: AddHook;
	readonly afterEach: AddHook;
	readonly afterAll: AddHook;
	readonly expect: { getState(): { testPath?: string; currentTestName?: string } };
	/** undefined: another runner with the same hooks. */
	readonly jest?: JestClock | undefined;
}

interface JestClock {
	useFakeTimers(options: { doNotFake: readonly string[]; now: Date }): unknown;
	useRealTimers(): unknown;
}

/** A test or a suite in the state of jest-circus, as far as it is used. */
interface CircusEntry {
	readonly type: string;
	readonly name: string;
	readonly parent?: CircusEntry;
	readonly children?: readonly CircusEntry[];
	readonly errors?: readonly unknown[];
	readonly status?: string | null;
}

interface CircusState {
	readonly currentlyRunningTest: CircusEntry | null;
	readonly rootDescribeBlock: CircusEntry;
}

/** Everything that Jest can fake, besides `Date`. */
const OTHERS = [
	"hrtime",
	"nextTick",
	"performance",
	"queueMicrotask",
	"requestAnimationFrame",
	"cancelAnimationFrame",
	"requestIdleCallback",
	"cancelIdleCallback",
	"setImmediate",
	"clearImmediate",
	"setInterval",
	"clearInterval",
	"setTimeout",
	"clearTimeout",
];

export function jestHooks({ beforeAll, beforeEach, afterEach, afterAll, expect, jest }: JestFunctions): RunnerHooks {
	/** Without Jest's state, a test is known by its name. */
	const named = new Map<string, object>();
	const running = (): RunningTest => {
		const test = circusState()?.currentlyRunningTest ?? null;
		const { currentTestName = "" } = expect.getState();
		const name = test === null ? currentTestName : nameOf(test);
		const identity = test ?? named.get(name) ?? {};
		named.set(name, identity);
		return { name, identity, hasFailed: () => (test?.errors?.length ?? 0) > 0 };
	};
	// a hook with a parameter would be given a callback
	return {
		runner: "jest",
		file: () => expect.getState().testPath ?? null,
		beforeAll: (hook) => beforeAll(() => hook()),
		beforeEach: (hook) => beforeEach(() => hook(running())),
		afterEach: (hook) => afterEach(() => hook(running())),
		afterAll: (hook) => afterAll(() => hook()),
		freezeTime:
			jest === undefined
				? null
				: (now) => {
						jest.useFakeTimers({ doNotFake: OTHERS, now });
						return () => jest.useRealTimers();
					},
		tellsTestsApart: false,
		hasSkipped() {
			const state = circusState();
			return state === null || testsIn(state.rootDescribeBlock).some(({ status }) => status !== "done");
		},
	};
}

/** The state of jest-circus, the default runner of Jest since version 27; null: another runner. */
function circusState(): CircusState | null {
	const key = Object.getOwnPropertySymbols(globalThis).find(({ description }) => description === "JEST_STATE_SYMBOL");
	return key === undefined ? null : ((globalThis as Record<symbol, unknown>)[key] as CircusState);
}

function nameOf({ name, parent }: CircusEntry): string {
	return parent === undefined || parent.parent === undefined ? name : `${nameOf(parent)}${SEPARATOR}${name}`;
}

function testsIn(entry: CircusEntry): CircusEntry[] {
	return entry.children === undefined ? [entry] : entry.children.flatMap(testsIn);
}
