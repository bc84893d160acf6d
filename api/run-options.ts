// The options of `run`: those of a replaying proxy, when to record, and when the run fails.
import type { OptionTable } from "../src/options.ts";
import { childOptions, replayOptions } from "./live-options.ts";
import { options as tapeOptions } from "./tape-run.ts";
import { options as verdictOptions } from "./verdict.ts";

export const runOptions = {
	...replayOptions,
	...childOptions,
	...tapeOptions,
	...verdictOptions,
} as const satisfies OptionTable;
