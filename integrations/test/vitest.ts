// `flowtape/test/vitest`: `useTape` with the hooks of Vitest, and a fixture.
import { afterAll, afterEach, beforeAll, beforeEach, vi } from "vitest";
import type { TapeOptions } from "./options.ts";
import { type TapeInUse, useTapeWith } from "./use-tape.ts";
import { vitestHooks } from "./vitest-hooks.ts";

export * from "./index.ts";

/** Uses a tape for the tests of this file. Call it once, before the tests. */
export function useTape(options: TapeOptions = {}): TapeInUse {
	return useTapeWith(vitestHooks({ afterAll, afterEach, beforeAll, beforeEach, vi }), options, useTape);
}
