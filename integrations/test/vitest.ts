// `flowtape/test/vitest`: `useTape` with the hooks of Vitest, and a fixture.
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import { EngineError } from "./engine-client.ts";
import { type InsertedTape, TestTape } from "./inserted-tape.ts";
import type { TapeOptions } from "./options.ts";
import { captureStack, userFrames } from "./request-origins.ts";
import { threadState } from "./thread-state.ts";
import { type TapeInUse, useTapeWith } from "./use-tape.ts";
import { testOf, type VitestTask, vitestHooks } from "./vitest-hooks.ts";

export * from "./index.ts";

/** Uses a tape for the tests of this file. Call it once, before the tests. */
export function useTape(options: TapeOptions = {}): TapeInUse {
	return useTapeWith(vitestHooks({ afterAll, afterEach, beforeAll, beforeEach, vi }), options, useTape);
}

/** The fixture `tape`, for `test.extend`. */
export interface TapeFixture {
	tape: [
		fixture: (context: { task: VitestTask }, use: (tape: InsertedTape) => Promise<void>) => Promise<void>,
		options: { auto: true },
	];
}

/**
 * A fixture for `test.extend`: each test has a tape of its own, as `tape` in its context.
 * @throws Error for `per-file`: for a tape of all tests, use `useTape`
 */
export function tapeFixture(options: TapeOptions = {}): TapeFixture {
	const frames = userFrames(captureStack(tapeFixture).stack);
	const all = { ...threadState().defaults, ...options };
	if (options.tape === "per-file")
		throw new EngineError("tapeFixture: a fixture has a tape for each test; for one for the file, use useTape");
	// Vitest reads the names of fixtures from the parameter
	const fixture: TapeFixture["tape"][0] = async ({ task }, use) => {
		const test = testOf(task);
		const tape = await TestTape.insert({
			test: { file: task.file.filepath, name: test.name },
			options: { ...all, tape: options.tape ?? "per-test" },
			runner: "vitest",
			frames,
		});
		await use(tape);
		const problem = tape.takeProblem();
		await tape.end({ keeps: problem === null && !test.hasFailed(), isWhole: true });
		if (problem !== null) throw problem;
	};
	return { tape: [fixture, { auto: true }] };
}
