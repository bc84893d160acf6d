// `flowtape/test/tap`: `useTape` with the hooks of tap.
import t from "tap";
import type { TapeOptions } from "./options.ts";
import { type RunnerHooks, type RunningTest, type TapeInUse, useTapeWith } from "./use-tape.ts";

export * from "./index.ts";

/** A test of tap, as far as it is used. */
interface TapTest {
	readonly name: string;
	readonly parent?: unknown;
	passing(): boolean;
}

const hooks: RunnerHooks = {
	runner: "tap",
	file: () => null,
	beforeAll: (hook) => t.before(hook),
	beforeEach: (hook) => t.beforeEach((test) => (isSubtest(test) ? undefined : hook(testOf(test)))),
	afterEach: (hook) => t.afterEach((test) => (isSubtest(test) ? undefined : hook(testOf(test)))),
	afterAll: (hook) => t.teardown(hook),
	freezeTime: null,
	tellsTestsApart: false,
	hasSkipped: () => t.options.only === true || (t.options.grep?.length ?? 0) > 0,
};

/** Subtests belong to the tape of their test. */
function isSubtest({ parent }: TapTest): boolean {
	return parent !== t;
}

function testOf(test: TapTest): RunningTest {
	return {
		name: test.name,
		identity: test,
		hasFailed: () => !test.passing(),
		// the test has ended; tap shows the title in one line
		fail({ message, stack = "" }) {
			const [title = "", ...lines] = message.split("\n");
			const frames = stack.slice(stack.indexOf(message) + message.length);
			t.fail(title, { explanation: lines.join("\n").trim(), stack: frames });
		},
	};
}

/** Uses a tape for the tests of this file. Call it once, before the tests. */
export function useTape(options: TapeOptions = {}): TapeInUse {
	return useTapeWith(hooks, options, useTape);
}
