// `flowtape replay-server`: a proxy that answers from tapes. It connects to servers only if an option says so.
import { FlowtapeError } from "../src/errors.ts";
import { defineCommand } from "./cli/command.ts";
import { isNetworkWanted, liveCommandOptions, runLive, serverGroups } from "./proxy/run-proxy.ts";
import { ReplayVerdict, options as verdictOptions } from "./proxy/verdict.ts";

export const command = defineCommand({
	name: "replay-server",
	summary: "answer requests from tapes, offline",
	args: "TAPE…",
	arity: { min: 0 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		server_replay: {
			type: "sequence",
			default: [],
			short: "S",
			metavar: "TAPE",
			help: "Replay this tape too, after the tapes given as arguments.",
		},
		output: {
			type: "string",
			default: null,
			short: "o",
			metavar: "TAPE",
			help: "Record the answered and the forwarded requests.",
		},
		freeze_time: {
			type: "boolean",
			default: false,
			help: "Set the command's clock to the recorded time, and answer with the recorded dates. Programs other than Node need libfaketime.",
		},
		...verdictOptions,
	},
	groups: serverGroups,
	examples: [
		["flowtape replay-server session.tape -- npm test", "run the tests offline"],
		["flowtape replay-server session.tape --extra forward", "forward requests without a recording to the real server"],
		["flowtape replay-server session.tape --reuse", "always answer equal requests with the first recording"],
		[
			"flowtape replay-server session.tape --fail-on miss,unused --junit report.xml -- npm test",
			"fail on misses and on unused recordings",
		],
	],
	async run({ args, ...input }, io) {
		const recordings = [...args, ...input.values.server_replay];
		if (recordings.length === 0)
			throw new FlowtapeError("FT_USAGE", "replay-server: expected at least one tape to answer from");
		const network = isNetworkWanted(input.values);
		const { output, freeze_time: usesRecordedTime } = input.values;
		if (usesRecordedTime && input.child === null)
			throw new FlowtapeError("FT_USAGE", "--freeze-time needs a command after --");
		const verdict = new ReplayVerdict(input.values, io, [...recordings, ...(output === null ? [] : [output])]);
		const values = usesRecordedTime ? { ...input.values, server_replay_refresh: false } : input.values;
		return runLive({ output, recordings, network, verdict, usesRecordedTime }, { ...input, values }, io);
	},
});
