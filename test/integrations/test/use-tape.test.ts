// `useTape` with a small runner: attempts, tests at the same time, and errors of use.
import { existsSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { type OutsideServer, startOutsideServer } from "../../../fixtures/outside-server.ts";
import type { TapeOptions } from "../../../integrations/test/options.ts";
import {
	type RunnerHooks,
	type RunningTest,
	type TapeInUse,
	useTapeWith,
} from "../../../integrations/test/use-tape.ts";

// the default record mode would be none
delete process.env.CI;

type Body = () => Promise<void> | void;

/** A runner: runs hooks and tests as other runners do. */
class Runner implements RunnerHooks {
	readonly runner = null;
	readonly freezeTime: RunnerHooks["freezeTime"] = null;
	readonly #file: string;
	readonly #all: Body[] = [];
	readonly #end: Body[] = [];
	readonly #before: ((test: RunningTest) => Promise<void>)[] = [];
	readonly #after: ((test: RunningTest) => Promise<void>)[] = [];

	constructor(t: Test) {
		this.#file = join(t.testdirName, "users.test.ts");
	}

	file = () => this.#file;
	beforeAll = (hook: () => Promise<void>) => void this.#all.push(hook);
	beforeEach = (hook: (test: RunningTest) => Promise<void>) => void this.#before.push(hook);
	afterEach = (hook: (test: RunningTest) => Promise<void>) => void this.#after.push(hook);
	afterAll = (hook: () => Promise<void>) => void this.#end.push(hook);
	readonly tellsTestsApart: boolean = true;
	hasSkipped = () => false;

	async begin(): Promise<void> {
		for (const hook of this.#all) await hook();
	}

	async end(): Promise<void> {
		for (const hook of this.#end) await hook();
	}

	/** Runs a test; resolves to its errors. */
	async test(name: string, body: Body, identity: object = {}): Promise<string[]> {
		const errors: string[] = [];
		const attempt = async (work: Body) => {
			try {
				await work();
			} catch (error) {
				errors.push((error as Error).message);
			}
		};
		// a test runs in an asynchronous context of its own
		await null;
		const running: RunningTest = { name, identity, hasFailed: () => errors.length > 0 };
		for (const hook of this.#before) await attempt(() => hook(running));
		await attempt(body);
		for (const hook of this.#after) await attempt(() => hook(running));
		return errors;
	}
}

function use(t: Test, options: TapeOptions = {}): { runner: Runner; tape: TapeInUse } {
	const runner = new Runner(t);
	return { runner, tape: useTapeWith(runner, options, use) };
}

const asks = (server: OutsideServer, path: string) => async () => void (await fetch(server.url + path));
const tapeOf = (t: Test) => join(t.testdirName, "__tapes__/users.tape");

t.test("a test that fails and then passes is kept", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const { runner, tape } = use(t);
	t.throws(() => tape.current, { message: /no tape is inserted/ });
	await runner.begin();
	const retried = {};
	const fails = async () => {
		await asks(server, "/a")();
		throw new Error("no");
	};
	t.same(await runner.test("a", fails, retried), ["no"]);
	t.same(await runner.test("a", asks(server, "/a"), retried), []);
	t.match(tape.current.requests, [{}, {}]);
	await runner.end();
	t.ok(existsSync(tapeOf(t)));
	t.throws(() => tape.current);
});

t.test("a test that fails in the end is not kept", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const { runner } = use(t);
	await runner.begin();
	await runner.test("a", asks(server, "/a"));
	await runner.test("b", () => {
		throw new Error("no");
	});
	await runner.end();
	t.notOk(existsSync(tapeOf(t)));
});

t.test("tests at the same time share the tape of their file", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	for (const mode of ["once", "none"] as const) {
		const { runner } = use(t, { mode });
		await runner.begin();
		const both = ["/a", "/b"].map((path) => runner.test(path, asks(server, path)));
		t.same(await Promise.all(both), [[], []], mode);
		await runner.end();
		server.stop();
	}
	const { runner } = use(t, { mode: "none" });
	await runner.begin();
	const [first, second] = await Promise.all([
		runner.test("hits", asks(server, "/a")),
		runner.test("misses", asks(server, "/c")),
	]);
	t.match([...first, ...second], [/No recording answers GET .*\/c/]);
	await runner.end();
});

t.test("tests at the same time get their own recordings, and fail for their own misses", async (t) => {
	t.testdir();
	const server = await startOutsideServer(t);
	const numbers = new Map<string, number[]>();
	const ask = (name: string, path: string) => async () => {
		const seen: number[] = [];
		for (let i = 0; i < 3; i++) {
			seen.push(((await (await fetch(server.url + path)).json()) as { n: number }).n);
			await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
		}
		numbers.set(name, seen);
	};
	const names = ["a", "b", "c"];
	const runAll = async (mode: "once" | "none") => {
		const { runner } = use(t, { mode, concurrent: true });
		await runner.begin();
		const errors = await Promise.all(names.map((name) => runner.test(name, ask(name, "/same"))));
		t.same(errors, [[], [], []], mode);
		await runner.end();
		return [...numbers].sort();
	};
	const recorded = await runAll("once");
	server.stop();
	for (let round = 0; round < 3; round++) t.same(await runAll("none"), recorded);
	const { runner } = use(t, { mode: "none", concurrent: true });
	await runner.begin();
	const [hits, misses] = await Promise.all([
		runner.test("a", asks(server, "/same")),
		runner.test("d", asks(server, "/other")),
	]);
	t.match([hits, misses], [[], [/^d: 1 request has no recording/]]);
	await runner.end();
	t.throws(() => use(t, { tape: "per-test", concurrent: true }), { message: /^concurrent: .* cannot be per-test/ });
	const other = Object.assign(new Runner(t), { tellsTestsApart: false });
	t.throws(() => useTapeWith(other, { concurrent: true }, use), { message: /^concurrent: this runner does not say/ });
});

t.test("a tape for each test", async (t) => {
	t.testdir();
	const { runner } = use(t, { tape: "per-test", mode: "none" });
	await runner.begin();
	t.same(await runner.test("a", () => {}), []);
	t.match(await runner.test("a", () => {}), [/two tests are named "a"/]);
	const same = {};
	t.same([await runner.test("b", () => {}, same), await runner.test("b", () => {}, same)], [[], []], "a retry");
	await runner.end();
});

t.test("a miss outside of tests fails the file", async (t) => {
	t.testdir();
	const { runner } = use(t, { mode: "none" });
	await runner.begin();
	t.same(await runner.test("a", () => {}), []);
	await fetch("http://api.example.test/");
	await t.rejects(runner.end(), { code: "FT_MISS" });
});

t.test("a runner without a clock cannot freeze the time", async (t) => {
	t.testdir();
	const { runner } = use(t, { freezeTime: true });
	await t.rejects(runner.begin(), { message: /^freezeTime: this runner has no clock/ });
});
