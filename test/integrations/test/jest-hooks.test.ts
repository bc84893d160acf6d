// Names and results of tests in the state of Jest. interop/runners.mjs runs Jest itself.
import t from "tap";
import { jestHooks } from "../../../integrations/test/jest-hooks.ts";
import type { RunningTest } from "../../../integrations/test/use-tape.ts";

const STATE = Symbol("JEST_STATE_SYMBOL");

/** Jest's functions; `run` runs the hooks in order. */
function jest() {
	const hooks: (() => Promise<void>)[] = [];
	const add = (hook: () => Promise<void>) => void hooks.push(hook);
	const clock: unknown[] = [];
	const functions = {
		beforeAll: add,
		beforeEach: add,
		afterEach: add,
		afterAll: add,
		expect: { getState: () => ({ testPath: "/a.test.js", currentTestName: "users creates" }) },
		jest: {
			useFakeTimers: (options: unknown) => void clock.push(options),
			useRealTimers: () => void clock.push("real"),
		},
	};
	return {
		functions,
		clock,
		run: async () => {
			for (const hook of hooks) await hook();
		},
	};
}

t.test("tests by the state of jest-circus", async (t) => {
	const { functions, clock, run } = jest();
	const root = { type: "describeBlock", name: "ROOT", children: [] as object[] };
	const suite = { type: "describeBlock", name: "users", parent: root, children: [] as object[] };
	const test = { type: "test", name: "creates", parent: suite, errors: [] as unknown[], status: "done" };
	suite.children.push(test);
	root.children.push(suite);
	Object.defineProperty(globalThis, STATE, {
		configurable: true,
		value: { currentlyRunningTest: test, rootDescribeBlock: root },
	});
	t.teardown(() => Reflect.deleteProperty(globalThis, STATE));
	const hooks = jestHooks(functions);
	const seen: RunningTest[] = [];
	hooks.beforeEach(async (running) => void seen.push(running));
	await run();
	t.match(seen, [{ name: "users > creates", identity: test }]);
	t.equal(seen[0]?.hasFailed(), false);
	test.errors.push(new Error("failed"));
	t.equal(seen[0]?.hasFailed(), true);
	t.equal(hooks.hasSkipped(), false);
	test.status = "skip";
	t.equal(hooks.hasSkipped(), true);
	t.equal(hooks.file(), "/a.test.js");
	hooks.freezeTime?.(new Date(0))();
	t.match(clock, [{ now: new Date(0), doNotFake: ["hrtime"] }, "real"]);
});

t.test("another runner with the same hooks", async (t) => {
	const { functions, run } = jest();
	const { jest: _, ...others } = functions;
	const hooks = jestHooks(others);
	const seen: RunningTest[] = [];
	hooks.beforeAll(async () => {});
	hooks.beforeEach(async (running) => void seen.push(running));
	hooks.afterEach(async (running) => void seen.push(running));
	hooks.afterAll(async () => {});
	await run();
	t.match(seen, [{ name: "users creates" }, { name: "users creates" }]);
	t.equal(seen[0]?.identity, seen[1]?.identity, "a test is known by its name");
	t.equal(seen[0]?.hasFailed(), false);
	t.equal(hooks.hasSkipped(), true, "unknown");
	t.equal(hooks.freezeTime, null);
});
