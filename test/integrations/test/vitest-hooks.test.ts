// Names and results of tests in the tasks of Vitest. interop/runners.mjs runs Vitest itself.
import t from "tap";
import { testOf, type VitestTask, vitestHooks } from "../../../integrations/test/vitest-hooks.ts";

type Hook = (context: { task: VitestTask }) => Promise<void>;

/** Tasks as Vitest makes them: a file with a suite, of which one test failed and one was left out. */
function tasks() {
	const file = { type: "suite", name: "a.test.ts", filepath: "/a.test.ts", tasks: [] as VitestTask[] };
	Object.assign(file, { file });
	const suite = { ...file, name: "users", suite: file, filepath: undefined, tasks: [] as VitestTask[] };
	const test = (name: string, state?: string) =>
		({ type: "test", name, suite, file, ...(state && { result: { state } }) }) as unknown as VitestTask;
	const [passed, failed, skipped] = [test("passes", "pass"), test("fails", "fail"), test("later", "skip")] as const;
	return { file, suite: Object.assign(suite, { filepath: "" }), passed, failed, skipped };
}

t.test("names and results", async (t) => {
	const { file, failed, passed } = tasks();
	const nested = { ...failed, suite: { name: "users", suite: { ...file } } } as unknown as VitestTask;
	t.match(testOf(nested), { name: "users > fails", identity: nested });
	t.equal(testOf(failed).hasFailed(), true);
	t.equal(testOf(passed).hasFailed(), false);
});

t.test("hooks, the clock, and tests that were left out", async (t) => {
	const hooks = new Map<string, (context?: unknown) => Promise<void>>();
	const add = (name: string) => (hook: unknown) => void hooks.set(name, hook as Hook as never);
	const clock: unknown[] = [];
	const vitest = vitestHooks({
		beforeAll: add("beforeAll"),
		beforeEach: add("beforeEach"),
		afterEach: add("afterEach"),
		afterAll: add("afterAll"),
		vi: { useFakeTimers: (options) => void clock.push(options), useRealTimers: () => void clock.push("real") },
	});
	const seen: string[] = [];
	vitest.beforeAll(async () => void seen.push("all"));
	vitest.beforeEach(async ({ name }) => void seen.push(`before ${name}`));
	vitest.afterEach(async ({ name }) => void seen.push(`after ${name}`));
	vitest.afterAll(async () => void seen.push("end"));
	t.equal(vitest.hasSkipped(), true, "no test ran");
	const { file, passed, failed, skipped } = tasks();
	file.tasks.push(passed, failed);
	for (const name of ["beforeAll", "beforeEach", "afterEach", "afterAll"]) await hooks.get(name)?.({ task: passed });
	t.match(seen, ["all", /^before .*passes/, /^after .*passes/, "end"]);
	t.equal(vitest.hasSkipped(), false);
	file.tasks.push(skipped);
	t.equal(vitest.hasSkipped(), true);
	const now = new Date(0);
	vitest.freezeTime?.(now)();
	t.same(clock, [{ toFake: ["Date"], now }, "real"]);
	t.equal(vitest.file(), null);
});
