// `flowtape/playwright`: tapes for Playwright tests.
export { type TapeFixtureDefinitions, type TapeFixtures, withTape } from "./fixtures.ts";
export type { TapeOptions } from "./options.ts";
export { type RoutedTape, type RouteOptions, routeFromTape } from "./route-from-tape.ts";
export type { InsertedTape, SeenRequest } from "./test-tape.ts";
