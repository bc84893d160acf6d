// `flowtape run`: runs a command with a tape, which is recorded the first time and replayed from then on.

import type { RecordMode } from "../api/cassette.ts";
import type { LiveProxy } from "../api/live.ts";
import { type TapeOutcome, TapeRun, options as tapeOptions } from "../api/tape-run.ts";
import { FlowtapeError } from "../src/errors.ts";
import { quoteInLine } from "../src/export/shell.ts";
import { expandHome, type OptionValues } from "../src/options.ts";
import { printableLine } from "../src/views/printable.ts";
import { defineCommand, type Io } from "./cli/command.ts";
import { LOOPBACK_HINT } from "./doctor/probes.ts";
import { counted } from "./print/text.ts";
import {
	type FinishedRun,
	isNetworkWanted,
	type LiveJob,
	liveCommandOptions,
	runLive,
	serverGroups,
} from "./proxy/run-proxy.ts";
import { ReplayVerdict, options as verdictOptions } from "./proxy/verdict.ts";

export const command = defineCommand({
	name: "run",
	summary: "record a command's requests the first time, then replay them",
	args: "TAPE",
	arity: { min: 1, max: 1 },
	takesChild: true,
	options: {
		...liveCommandOptions,
		...tapeOptions,
		...verdictOptions,
		fail_on: {
			...verdictOptions.fail_on,
			help: `${verdictOptions.fail_on.help} Default: miss, if nothing is recorded.`,
		},
	},
	groups: serverGroups,
	examples: [
		[
			"flowtape run test/session.tape -- npm test",
			"record the requests of the tests the first time; later runs are offline",
		],
		["flowtape run session.tape --record-mode new-episodes -- npm test", "record what is new, replay the rest"],
		["flowtape run session.tape --record-mode all -- npm test", "record everything again"],
	],
	async run({ args: [tape = ""], ...input }, io) {
		const { child } = input;
		if (child === null) throw new FlowtapeError("FT_USAGE", "run: expected a command: flowtape run TAPE -- CMD…");
		if (tape === "-")
			throw new FlowtapeError("FT_USAGE", "run: expected a file for the tape, found - (stdin or stdout)");
		const { fail_on } = input.values;
		return runWithTape(tape, input, io, {
			words: (mode) => ["flowtape", "run", tape, "--record-mode", mode, "--", ...child],
			verdictOf: (run) => new ReplayVerdict({ ...input.values, fail_on: run.failOn(fail_on) }, io, [tape]),
		});
	},
});

type TapeInput = Parameters<typeof runLive>[1] & { values: OptionValues<typeof tapeOptions> };

/** How a run with a tape differs between commands. */
interface TapeJob extends Pick<LiveJob, "runChild"> {
	/** The words of the command line for a run in this mode. */
	words(mode: RecordMode): readonly string[];
	/** Decides whether the run failed; default: it never does. */
	verdictOf?(run: TapeRun): ReplayVerdict;
	/** Whether recordings are kept even if the child fails or the user ends the run. Default: no. */
	keepsAlways?: boolean;
}

/** Records or replays the tape while the child runs; resolves to the exit status. */
export async function runWithTape(
	tape: string,
	input: TapeInput,
	io: Io,
	{ words, verdictOf, keepsAlways = false, runChild }: TapeJob,
): Promise<number> {
	const path = expandHome(tape);
	const { record_mode: mode, record_failures: keepsFailures, format } = input.values;
	const run = await TapeRun.open({ tape: path, mode, env: io.env, format, keepsFailures });
	const printAlways = (message: string) => void io.stderr.write(`flowtape: ${printableLine(message)}\n`);
	const notify = (message: string) => {
		if (!input.values.quiet) printAlways(message);
	};
	const printsNotes = !input.values.quiet && !input.values.json;
	try {
		if (run.startError !== null) {
			printAlways(`${run.startError}. Record it with: ${lineOf(words("once"))}`);
			return 1;
		}
		const verdict = verdictOf?.(run);
		const job: LiveJob = {
			...run.proxySetup(isNetworkWanted(input.values)),
			...(verdict && { verdict }),
			...(runChild && { runChild }),
			// the text counts the recordings
			...(printsNotes && { onStart: (proxy) => notify(startText(tape, run, proxy)) }),
			onEnd({ replay }) {
				if (printsNotes && !run.records && replay !== null && replay.missed > 0)
					notify(`to record what was missed: ${lineOf(words("new-episodes"))}`);
			},
			async finishTape(finished, report) {
				const { status, passed, output, recorded } = finished;
				if (run.failures > 0)
					notify(
						`${counted(run.failures, "failure")} ${run.failures === 1 ? "is" : "are"} left out; --record-failures keeps them`,
					);
				const settled = await run.finish({
					isInterrupted: io.signal.aborted && !keepsAlways,
					isGood: status === 0 || (keepsAlways && passed > 0),
					report,
				});
				if (settled.kind === "replayed") return { output, recorded };
				if (settled.kind === "recorded") return { output: path, recorded: settled.recorded };
				printAlways(`${unchangedText(settled, path, status)}${whyNothing(settled, run, finished)}`);
				return null;
			},
		};
		return await runLive(job, { ...input, values: { ...run.withTapeDefaults(input.values), format: null } }, io);
	} finally {
		await run.close();
	}
}

/** The first message of a run: `replaying tests.tape: 5 recordings of 29 Nov`. */
function startText(tape: string, { mode, exists }: TapeRun, proxy: LiveProxy): string {
	if (!exists) return `recording ${tape} (no tape yet)`;
	if (mode === "all") return `recording ${tape} again`;
	const recordings = `${counted(proxy.countUnused(), "recording")}${proxy.recordedAt === null ? "" : ` of ${dayOf(proxy.recordedAt)}`}`;
	return `replaying ${tape}: ${recordings}${mode === "new-episodes" ? ", and recording what is new" : ""}`;
}

/** `29 Nov`, with the year if it is not the current one. */
function dayOf(seconds: number): string {
	const date = new Date(seconds * 1000);
	const day = `${date.getDate()} ${date.toLocaleString("en-GB", { month: "short" })}`;
	return date.getFullYear() === new Date().getFullYear() ? day : `${day} ${date.getFullYear()}`;
}

/** The command line, quoted for a shell. */
function lineOf(words: readonly string[]): string {
	return words.map(quoteInLine).join(" ");
}

/** Why the tape is unchanged. */
function unchangedText(
	{ kind, isThere }: Extract<TapeOutcome, { isThere: boolean }>,
	tape: string,
	status: number,
): string {
	const kept = isThere ? `${tape} is unchanged` : `${tape} was not written`;
	if (kind === "interrupted") return `interrupted: ${kept}`;
	if (kind === "failed") return `the run ended with status ${status}: ${kept}`;
	return `nothing was recorded: ${kept}`;
}

/** Maximum number of reasons that are printed. */
const SHOWN_REASONS = 3;

/** Why there is nothing to record: all requests failed, went to the command's own servers, or did not get through. */
function whyNothing(
	{ kind }: TapeOutcome,
	{ failures, failureReasons }: TapeRun,
	{ passed, noise, own, recorded, errors }: FinishedRun,
): string {
	if (failures > 0 && recorded === 0) {
		const reasons = [...failureReasons].sort(([, a], [, b]) => b - a).slice(0, SHOWN_REASONS);
		const text = reasons.map(([reason, count]) => (count === 1 ? reason : `${reason} (${count})`)).join(", ");
		return `; ${failures === 1 ? "the only request" : `all ${failures} requests`} failed: ${text}`;
	}
	if (kind !== "nothing" || passed > noise) return "";
	if (own > 0)
		return `; the command requested only its own servers (own ${own}); --own-servers record records these requests`;
	if (noise > 0) return `; only requests of the browser itself came. ${LOOPBACK_HINT}`;
	return errors.size > 0
		? `; no request got through: ${[...errors].join(", ")}`
		: `. Does the command use the proxy? Check with "flowtape doctor -- CMD". ${LOOPBACK_HINT}`;
}
