// `flowtape/test`: tapes for tests, with any runner.
import { EngineError } from "./engine-client.ts";
import { globalHooks } from "./global-hooks.ts";
import type { TapeOptions } from "./options.ts";
import { type TapeInUse, useTapeWith } from "./use-tape.ts";

export { insertTape, setup } from "./insert-tape.ts";
export type { InsertedTape, TapeReport } from "./inserted-tape.ts";
export type {
	FailOn,
	JsonValue,
	MatchOptions,
	Miss,
	RecordedFlow,
	RecordedMessage,
	RecordMode,
	RedactFunction,
	RedactRule,
	Responder,
	SeenRequest,
	TapeOptions,
	TestInfo,
} from "./options.ts";
export { TapeError } from "./tape-error.ts";
export type { TapeInUse } from "./use-tape.ts";

/**
 * Uses a tape for the tests of this file. Call it once, before the tests.
 * @throws Error if the runner has no global hooks; `flowtape/test/vitest`, `/jest`, `/node` and `/tap` import them
 */
export function useTape(options: TapeOptions = {}): TapeInUse {
	const hooks = globalHooks();
	if (hooks === null)
		throw new EngineError(
			"useTape: no test runner has set beforeEach and afterEach as globals. Import useTape from flowtape/test/vitest, /jest, /node or /tap, or call insertTape in each test",
		);
	return useTapeWith(hooks, options, useTape);
}
