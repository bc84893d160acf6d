// `insertTape` and `setup`: a tape without a test runner, and the defaults of a project.
import { type InsertedTape, TestTape } from "./inserted-tape.ts";
import type { TapeOptions, TestInfo } from "./options.ts";
import { captureStack, userFrames } from "./request-origins.ts";
import { threadState } from "./thread-state.ts";

/**
 * Inserts a tape: when it resolves, the requests of this process are recorded, or answered from the tape. `await using`
 * checks and ejects it; without it, call `check` and `eject`.
 * @param test the test, which names the tape and the errors
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_IO, and for a tape that cannot be read
 */
export function insertTape(test: TestInfo, options: TapeOptions = {}): Promise<InsertedTape> {
	const frames = userFrames(captureStack(insertTape).stack);
	return TestTape.insert({ test, options: { ...threadState().defaults, ...options }, runner: null, frames });
}

/** Sets the defaults of a project's tapes. Call it in the setup file of the runner. */
export function setup(defaults: TapeOptions): void {
	threadState().defaults = defaults;
}
