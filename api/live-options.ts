// The options of a recording proxy and of a replaying proxy, for the command line and for programs.
import { hookOptions } from "../src/hooks/builtin.ts";
import type { OptionTable } from "../src/options.ts";
import { proxyOptions } from "../src/proxy/server.ts";
import { options as redactionOptions } from "../src/redact/options.ts";

/** In a recording proxy, a request without a recording is forwarded by default. */
export const forwardingOptions = {
	server_replay_extra: {
		type: "string",
		default: "forward",
		choices: ["forward", "kill", "204", "400", "404", "500", "502"],
		help: "How to answer requests without a recording, if server_replay is set.",
	},
} as const satisfies OptionTable;

export const recordOptions = {
	...proxyOptions,
	...hookOptions,
	...forwardingOptions,
	...redactionOptions,
} as const satisfies OptionTable;

export const replayOptions = { ...proxyOptions, ...hookOptions, ...redactionOptions } as const satisfies OptionTable;

/** Prefix that `replayServer`, `explain` and `run` leave out of the option names. */
export const REPLAY_PREFIX = "server_replay_";

/** Options of commands that run a child command behind the proxy. */
export const childOptions = {
	own_servers: {
		type: "string",
		default: "pass",
		choices: ["pass", "record"],
		help: "Requests to the command's own servers (loopback ports on which one of its processes listens): pass them through unrecorded, or record and replay them.",
	},
	keep_no_proxy: {
		type: "boolean",
		default: false,
		help: "Keep NO_PROXY in the command's environment: the command then connects to those hosts without the proxy. By default NO_PROXY is cleared.",
	},
} as const satisfies OptionTable;
