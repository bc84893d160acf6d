// `flowtape/test/node`: `useTape` with the hooks of node:test.
import { after, afterEach, before, beforeEach, mock } from "node:test";
import type { TapeOptions } from "./options.ts";
import { type RunnerHooks, type RunningTest, type TapeInUse, useTapeWith } from "./use-tape.ts";

export * from "./index.ts";

/** The context of a test, as far as it is used. Newer versions of Node.js have more than older ones. */
interface NodeContext {
	readonly name: string;
	readonly fullName?: string;
	readonly passed?: boolean;
	readonly error?: { cause?: unknown } | null;
	diagnostic(message: string): void;
}

const hooks: RunnerHooks = {
	runner: "node",
	file: () => null,
	beforeAll: (hook) => before(hook),
	beforeEach: (hook) => beforeEach((context) => hook(testOf(context as unknown as NodeContext))),
	afterEach: (hook) => afterEach((context) => hook(testOf(context as unknown as NodeContext))),
	afterAll: (hook) => after(hook),
	freezeTime(at) {
		mock.timers.enable({ apis: ["Date"], now: at });
		return () => mock.timers.reset();
	},
	tellsTestsApart: false,
	hasSkipped: () => process.execArgv.some((flag) => /^--test-(?:name-pattern|skip-pattern|only|shard)/.test(flag)),
};

function testOf(context: NodeContext): RunningTest {
	const hasFailed = () => context.passed === false;
	return {
		name: context.fullName ?? context.name,
		identity: context,
		hasFailed,
		fail(problem) {
			if (!hasFailed()) throw problem;
			// node:test ignores errors of hooks after a test that failed, and some reporters print no causes
			addCause(context.error, problem);
			context.diagnostic(problem.message);
		},
	};
}

/** Adds the problem as the cause of the error of a test. */
function addCause(error: NodeContext["error"], problem: Error): void {
	let at: unknown = error;
	while (at instanceof Error && at.cause instanceof Error) at = at.cause;
	if (at instanceof Error) at.cause = problem;
}

/** Uses a tape for the tests of this file. Call it once, before the tests. */
export function useTape(options: TapeOptions = {}): TapeInUse {
	return useTapeWith(hooks, options, useTape);
}
