// `flowtape record`: a live proxy that writes what passes to a tape.
import { defineCommand } from "./cli/command.ts";
import { liveCommandOptions, liveGroups, runLive } from "./proxy/run-proxy.ts";

export const command = defineCommand({
	name: "record",
	summary: "record what passes through a proxy to a tape",
	args: "TAPE",
	arity: { min: 1, max: 1 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		durable: { type: "boolean", default: false, help: "Survive the loss of power too: wait for the disk at every commit." },
		filter: { type: "string", default: null, short: "f", metavar: "FILTER", help: "Record only flows that match: short for --save-stream-filter." },
		server_replay: { type: "sequence", default: [], short: "S", metavar: "TAPE", help: "Answer from this tape what it has recordings for." },
	},
	groups: () => liveGroups("record"),
	examples: [
		["flowtape record session.tape", "record what is sent through http://127.0.0.1:8080 until Ctrl-C"],
		["flowtape record session.tape -p 0 -- npm test", "record what the tests send; they get the proxy and the authority by their environment"],
		["flowtape record api.tape -f '~d example.com'", "only what goes to example.com"],
	],
	run: ({ args: [output = ""], ...input }, io) => {
		const { durable, filter, server_replay: recordings } = input.options;
		const values = filter === null ? input.values : { ...input.values, save_stream_filter: filter };
		return runLive({ output, recordings, network: true, durable, flagPrefix: "" }, { ...input, values }, io);
	},
});
