// The options of a proxy that records and of one that answers, as the command line and programs have them.
import { hookOptions } from "../src/hooks/builtin.ts";
import type { OptionTable } from "../src/options.ts";
import { proxyOptions } from "../src/proxy/server.ts";

/** In a proxy that records, a request without a recording goes to its server. */
export const forwarding = {
	server_replay_extra: {
		type: "string",
		default: "forward",
		choices: ["forward", "kill", "204", "400", "404", "500"],
		help: "What becomes of requests without a recording, where server_replay is set.",
	},
} as const satisfies OptionTable;

export const recordOptions = { ...proxyOptions, ...hookOptions, ...forwarding } as const satisfies OptionTable;

export const replayOptions = { ...proxyOptions, ...hookOptions } as const satisfies OptionTable;

/** Left out of the names of `replayOptions`. */
export const REPLAY_PREFIX = "server_replay_";
