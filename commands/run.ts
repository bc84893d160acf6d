// `flowtape run`: a command and its tape, which is recorded the first time and answers from then on.

import { type CommitOptions, isNew, isSuccess, isThere, NewCassette, planOf, RECORD_MODES, type RecordMode } from "../api/cassette.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { expandHome } from "../src/options.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { isNetworkWanted, type LiveJob, liveCommandOptions, liveGroups, runLive } from "./proxy/run-proxy.ts";
import { options as proofOptions, ReplayProof } from "./proxy/verdict.ts";

export const command = defineCommand({
	name: "run",
	summary: "run a command with a tape: recorded when it is missing, replayed when it is there",
	args: "TAPE",
	arity: { min: 1, max: 1 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		record_mode: {
			type: "string",
			default: null,
			choices: RECORD_MODES,
			help: "When to record: once, where the tape is missing (the default); none, never (the default where CI is set and the tape is there); new-episodes, what the tape does not answer; all, everything anew.",
		},
		record_failures: { type: "boolean", default: false, help: "Record requests that failed and responses from 500 on too." },
		...proofOptions,
		fail_on: { ...proofOptions.fail_on, help: `${proofOptions.fail_on.help} Default where nothing is recorded: miss.` },
	},
	groups: () => liveGroups("replay-server"),
	examples: [
		["flowtape run test/session.tape -p 0 -- npm test", "record what the tests send, the first time; from then on they run offline"],
		["flowtape run session.tape --record-mode new-episodes -- npm test", "record what is new, replay the rest"],
		["flowtape run session.tape --record-mode all -- npm test", "record everything anew"],
	],
	async run({ args: [tape = ""], ...input }, io) {
		if (input.child === null) throw new FlowtapeError("FT_USAGE", "run: a command was expected: flowtape run TAPE -- CMD…");
		if (tape === "-") throw new FlowtapeError("FT_USAGE", "run: a tape's file was expected; it cannot be stdin or stdout");
		const path = expandHome(tape);
		const exists = await isThere(path);
		const { record_mode: chosen, record_failures: keepsFailures, format, fail_on } = input.options;
		const plan = planOf((chosen as RecordMode | null) ?? defaultMode(path, exists, input.values.quiet === true, io), exists);
		const recordings = plan.replays ? [path] : [];
		if (!plan.records) {
			const proof = new ReplayProof({ ...input.options, fail_on: fail_on.length > 0 ? fail_on : ["miss"] }, io);
			if (format !== null) throw new FlowtapeError("FT_USAGE", "--format is for a tape to record, and this run records none");
			return runLive({ output: null, recordings, network: isNetworkWanted(input.values), proof }, input, io);
		}
		const draft = await NewCassette.beside(path, format);
		let failures = 0;
		const isWanted = (flow: Flow) => {
			if (keepsFailures || isSuccess(flow)) return true;
			failures++;
			return false;
		};
		try {
			const job: LiveJob = {
				...{ output: draft.file, recordings, network: true, proof: new ReplayProof(input.options, io) },
				keeps: (flow) => isNew(flow) && isWanted(flow),
				settle({ status, passed }, report) {
					if (failures > 0 && input.values.quiet !== true)
						io.stderr.write(`flowtape: ${failures === 1 ? "1 failure is" : `${failures} failures are`} left out; --record-failures keeps them\n`);
					return settle(draft, path, { status, passed, isInterrupted: io.signal.aborted }, { format, keepsOld: plan.replays, report }, io);
				},
			};
			const values = plan.replays ? { ...input.values, server_replay_extra: "forward", server_replay_kill_extra: false } : input.values;
			return await runLive(job, { ...input, values, options: { ...input.options, format: null } }, io);
		} finally {
			await draft.close();
		}
	},
});

/** Where a tape is expected to be complete, nothing is recorded unasked. */
function defaultMode(tape: string, exists: boolean, isQuiet: boolean, { env, stderr }: Io): RecordMode {
	const isContinuousIntegration = env.CI !== undefined && !["", "0", "false"].includes(env.CI);
	if (!exists || !isContinuousIntegration) return "once";
	if (!isQuiet) stderr.write(`flowtape: CI is set: ${printableLine(tape)} is replayed and nothing recorded; --record-mode says otherwise\n`);
	return "none";
}

/** Keeps what a good run recorded. Resolves to where the new flows went, and how many; null where the tape is as it was. */
async function settle(
	draft: NewCassette,
	tape: string,
	{ status, passed, isInterrupted }: { status: number; passed: number; isInterrupted: boolean },
	options: CommitOptions,
	{ stderr }: Io,
): Promise<{ output: string; recorded: number } | null> {
	const tell = (message: string) => {
		stderr.write(`flowtape: ${printableLine(message)}\n`);
		return null;
	};
	const kept = options.keepsOld || (await isThere(tape)) ? `${tape} is as it was` : `${tape} is not written`;
	if (isInterrupted) return tell(`interrupted: ${kept}`);
	if (status !== 0) return tell(`the run ended with status ${status}: ${kept}`);
	const recorded = await draft.commit(options);
	if (recorded > 0 || options.keepsOld) return { output: tape, recorded };
	return tell(`nothing was recorded: ${kept}${passed > 0 ? "" : `. Does the command use the proxy? "flowtape doctor -- CMD" tells`}`);
}
