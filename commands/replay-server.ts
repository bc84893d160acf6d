// `flowtape replay-server`: a proxy that answers from tapes, and reaches no server unless told to.
import { FlowtapeError } from "../src/errors.ts";
import { defineCommand } from "./cli/command.ts";
import { isNetworkWanted, liveCommandOptions, liveGroups, runLive } from "./proxy/run-proxy.ts";
import { options as proofOptions, ReplayProof } from "./proxy/verdict.ts";

export const command = defineCommand({
	name: "replay-server",
	summary: "answer requests from tapes, offline",
	args: "TAPE…",
	arity: { min: 0 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		server_replay: { type: "sequence", default: [], short: "S", metavar: "TAPE", help: "Answer from this tape too, after those named before." },
		output: { type: "string", default: null, short: "o", metavar: "TAPE", help: "Record what was answered and what was forwarded." },
		freeze_time: {
			type: "boolean",
			default: false,
			help: "Show the command the time of the recording, and answer with the recorded dates: Node by itself, other programs where libfaketime is installed.",
		},
		...proofOptions,
	},
	groups: () => liveGroups("replay-server"),
	examples: [
		["flowtape replay-server session.tape -p 0 -- npm test", "run the tests without the network they were recorded with"],
		["flowtape replay-server session.tape --extra forward", "what was not recorded goes to its server"],
		["flowtape replay-server session.tape --reuse", "answer equal requests with the first recording, any number of times"],
		["flowtape replay-server session.tape --fail-on miss,unused --junit report.xml -- npm test", "fail when something was missing or superfluous"],
	],
	async run({ args, ...input }, io) {
		const recordings = [...args, ...input.options.server_replay];
		if (recordings.length === 0) throw new FlowtapeError("FT_USAGE", "replay-server: a tape to answer from was expected");
		const network = isNetworkWanted(input.values);
		const { output, freeze_time: isPast } = input.options;
		if (isPast && input.child === null) throw new FlowtapeError("FT_USAGE", "--freeze-time is for a command, which -- names");
		const proof = new ReplayProof(input.options, io);
		const values = isPast ? { ...input.values, server_replay_refresh: false } : input.values;
		return runLive({ output, recordings, network, proof, isPast }, { ...input, values }, io);
	},
});
