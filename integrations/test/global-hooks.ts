// The hooks that Jest and Vitest (with `globals`) set as globals.
import { type JestFunctions, jestHooks } from "./jest-hooks.ts";
import type { RunnerHooks } from "./use-tape.ts";
import { type VitestFunctions, vitestHooks } from "./vitest-hooks.ts";

/** The hooks of the runner; null: it has no global hooks. */
export function globalHooks(): RunnerHooks | null {
	const found = globalThis as Partial<JestFunctions> & Partial<VitestFunctions>;
	if ([found.beforeAll, found.beforeEach, found.afterEach, found.afterAll].some((hook) => typeof hook !== "function"))
		return null;
	return found.vi === undefined ? jestHooks(found as JestFunctions) : vitestHooks(found as VitestFunctions);
}
