// `flowtape/test/jest`: `useTape` with the hooks of Jest, from its globals or from `@jest/globals`.
import { createRequire } from "node:module";
import { type JestFunctions, jestHooks } from "./jest-hooks.ts";
import type { TapeOptions } from "./options.ts";
import { type TapeInUse, useTapeWith } from "./use-tape.ts";

export * from "./index.ts";

/** Uses a tape for the tests of this file. Call it once, before the tests. */
export function useTape(options: TapeOptions = {}): TapeInUse {
	return useTapeWith(jestHooks(jestFunctions()), options, useTape);
}

function jestFunctions(): JestFunctions {
	const found = globalThis as Partial<JestFunctions>;
	// without globals (injectGlobals: false), Jest's modules have them
	return found.beforeEach === undefined || found.jest === undefined
		? (createRequire(import.meta.url)("@jest/globals") as JestFunctions)
		: (found as JestFunctions);
}
