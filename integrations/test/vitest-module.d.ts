// The functions of Vitest that flowtape uses. Vitest is the user's; flowtape does not depend on it.
declare module "vitest" {
	type Functions = import("./vitest-hooks.ts").VitestFunctions;
	export const beforeAll: Functions["beforeAll"];
	export const beforeEach: Functions["beforeEach"];
	export const afterEach: Functions["afterEach"];
	export const afterAll: Functions["afterAll"];
	export const vi: Functions["vi"];
}
