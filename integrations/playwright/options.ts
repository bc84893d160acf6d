// Options of tapes in Playwright tests.
import type { FailOn, RedactRule, TapeOptions as TestTapeOptions } from "../test/options.ts";

/** Options of `withTape`, and of `test.use({ tape: {…} })`. All are optional. */
export interface TapeOptions
	extends Pick<TestTapeOptions, "dir" | "mode" | "match" | "passthrough" | "miss" | "recordFailures"> {
	/**
	 * A file, relative to `dir`, such as a HAR; or `per-test` (default): a tape for each test; or `per-file`. Tests that run
	 * at once can share a tape.
	 */
	readonly tape?: string | undefined;
	/** Replaces secrets by placeholders in what is recorded (docs/redaction.md), by the default rules and by these. */
	readonly redact?: readonly RedactRule[] | undefined;
	/** Whether requests to the server of `baseURL` are recorded and replayed too. Default: they pass to it. */
	readonly includeBaseURL?: boolean | undefined;
	/** Whether each project has tapes of its own, with `per-test`. Default: projects share them. */
	readonly perProject?: boolean | undefined;
	/** What fails the test. Default: `["miss"]`. */
	readonly failOn?: readonly Exclude<FailOn, "egress">[] | undefined;
}

/** The names of `TapeOptions`. */
export const tapeOptionNames: readonly (keyof TapeOptions)[] = [
	"dir",
	"mode",
	"match",
	"redact",
	"passthrough",
	"miss",
	"recordFailures",
	"tape",
	"includeBaseURL",
	"perProject",
	"failOn",
];
