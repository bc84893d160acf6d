// `flowtape record`: a live proxy that records the traffic to a tape.
import { flagWording } from "../src/replay/explain/wording.ts";
import { defineCommand } from "./cli/command.ts";
import { liveCommandOptions, recordGroups, runLive } from "./proxy/run-proxy.ts";
import { selection } from "./tapes/copy-flows.ts";

export const command = defineCommand({
	name: "record",
	summary: "record the traffic of a proxy to a tape",
	args: "TAPE",
	arity: { min: 1, max: 1 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		durable: {
			type: "boolean",
			default: false,
			help: "Keep the recording safe on power loss: wait for the disk at every commit.",
		},
		filter: {
			type: "string",
			default: null,
			short: "f",
			metavar: "FILTER",
			help: "Record only matching flows. Same as --save-stream-filter.",
		},
		server_replay: {
			type: "sequence",
			default: [],
			short: "S",
			metavar: "TAPE",
			help: "Answer requests from the recordings on this tape.",
		},
	},
	groups: recordGroups,
	examples: [
		["flowtape record session.tape", "record requests through http://127.0.0.1:8080 until Ctrl-C"],
		[
			"flowtape record session.tape -- npm test",
			"record the requests of the tests; their environment has the proxy and the authority",
		],
		["flowtape record api.tape -f '~d example.com'", "record only requests to example.com"],
	],
	async run({ args: [output = ""], ...input }, io) {
		const { durable, filter, server_replay: recordings } = input.values;
		// an error names this option, not save_stream_filter
		await selection(input.values);
		const values = filter === null ? input.values : { ...input.values, save_stream_filter: filter };
		return runLive({ output, recordings, network: true, durable, wording: flagWording("") }, { ...input, values }, io);
	},
});
