// The options of `replayClient`: connections to servers, features, pace, and comparison.
import { options as ignoreOptions } from "../src/compare/ignore.ts";
import { hookOptions } from "../src/hooks/builtin.ts";
import type { OptionTable } from "../src/options.ts";
import { options as clientOptions } from "../src/proxy/replay-client.ts";
import { options as redactionOptions } from "../src/redact/options.ts";
import { forwardingOptions } from "./live-options.ts";
import { options as sendOptions } from "./send-again.ts";

export const clientReplayOptions = {
	...clientOptions,
	...hookOptions,
	...forwardingOptions,
	...sendOptions,
	...ignoreOptions,
	...redactionOptions,
} as const satisfies OptionTable;

/** Prefix that `replayClient` leaves out of the option names. */
export const CLIENT_PREFIX = "client_replay_";
