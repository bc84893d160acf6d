// What proxy commands have in common: they say where they listen, run the command after `--` or wait to be stopped, and say how it ended.
import { join } from "node:path";
import { type CaPlace, openCaPlace } from "../../api/authority-folder.ts";
import { type LiveReport, type LiveSetup, type LiveValues, startLive } from "../../api/live.ts";
import { forwarding } from "../../api/live-options.ts";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import { expandHome, type OptionSpec, type OptionTable } from "../../src/options.ts";
import type { ProxyEvent } from "../../src/proxy/context/context.ts";
import { options as scriptOptions } from "../../src/scripts/options.ts";
import type { Input, Io, OptionGroup } from "../cli/command.ts";
import { RunReporter } from "../print/run-reporter.ts";
import { outputOptions } from "../tapes/copy-flows.ts";
import type { ReplayProof } from "./verdict.ts";

export const caOption = {
	type: "string",
	default: null,
	metavar: "ephemeral|FOLDER",
	help: "The certificate authority: ephemeral makes one for this run alone; else the folder of one. Default: the user's own.",
} as const satisfies OptionSpec;

/** Options of every proxy command that are no features. */
export const liveCommandOptions = {
	ca: caOption,
	json: { type: "boolean", default: false, help: "Print one JSON object for each event on stdout, `listening` first." },
	...scriptOptions,
	format: { ...outputOptions.format, help: "Record in this format, whatever the extension says." },
} as const satisfies OptionTable;

/** The options of the proxy and of the features, for a command that answers from tapes (`server`), or one that may. */
export async function liveGroups(kind: "record" | "replay-server" | "replay-client"): Promise<readonly OptionGroup[]> {
	const { hookOptions } = await import("../../src/hooks/builtin.ts");
	const isServer = kind === "replay-server";
	const table =
		kind === "replay-client" ? (await import("../../src/proxy/replay-client.ts")).options : (await import("../../src/proxy/server.ts")).proxyOptions;
	return [
		{ title: "Proxy options", table },
		isServer
			? { title: "Features", table: { ...hookOptions, server_replay_filter: { ...hookOptions.server_replay_filter, short: "f" } }, prefix: "server_replay_" }
			: { title: "Features", table: { ...hookOptions, ...forwarding } },
	];
}

/** Older recordings than this there are none. */
const LONG_AGO = new Date(Date.UTC(2000, 0));

type LiveInput = Pick<Input<typeof liveCommandOptions>, "child" | "values" | "options" | "scripts">;
export type LiveJob = Pick<LiveSetup, "output" | "recordings" | "network" | "durable" | "flagPrefix" | "keeps"> & {
	/** Judges the run. */
	proof?: ReplayProof;
	/** The command sees the time of the recording. */
	isPast?: boolean;
	/** Has the output at the end of a run with this exit status, in which so many flows passed. Resolves to where flows were kept, and how many; null: nowhere. */
	settle?: (run: { status: number; passed: number }, report: Reporter) => Promise<{ output: string; recorded: number } | null>;
};

/** Whether what was not recorded is to reach its server. */
export function isNetworkWanted({ server_replay_extra: extra, server_replay_kill_extra: kill }: LiveInput["values"]): boolean {
	return extra === "forward" && kill !== true;
}

/** Runs the proxy until its command ends or the user stops it; resolves to the exit status. */
export async function runLive(job: LiveJob, { child, values, options, scripts }: LiveInput, io: Io): Promise<number> {
	const place = await openCaPlace(options.ca, io.env);
	try {
		return await runIn(place, job, { child, values, options, scripts }, io);
	} finally {
		await place.close();
	}
}

async function runIn(
	{ folder, isEphemeral }: CaPlace,
	{ proof, isPast, settle, ...job }: LiveJob,
	{ child, values, options, scripts }: LiveInput,
	io: Io,
): Promise<number> {
	// an authority of today was not there yet
	const home = isPast ? join(folder, "past") : folder;
	const output = job.output === null ? null : expandHome(job.output);
	if (output === "-" && options.json) throw new FlowtapeError("FT_USAGE", "--json prints events to stdout, which cannot be the tape too");
	if (output === null && options.format !== null) throw new FlowtapeError("FT_USAGE", "--format is for a tape to record to, which -o TAPE names");
	const journal = new RunReporter(io, { json: options.json, quiet: values.quiet === true, verbose: values.verbose === true, hasChild: child !== null });
	const trouble: Reporter = (code, message, detail) => journal.trouble(code, message, detail);
	if (scripts !== null) scripts.log = (level, message) => journal.script(level, message);
	let passed = 0;
	// not once clients have come: by then the process may be unable to open files, and Node keeps a failure for good
	if (child !== null) await Promise.all([import("../../api/child-environment.ts"), import("../../src/child/process.ts"), import("../../src/child/clock.ts")]);
	const proxy = await startLive({
		...job,
		scripts: scripts ?? undefined,
		output,
		format: options.format,
		recordings: job.recordings.map((path) => expandHome(path)),
		values: values as unknown as LiveValues,
		home,
		...(isPast && { validFrom: LONG_AGO }),
		env: io.env,
		report: trouble,
		log: (level, message) => journal.log(level, message),
		onEvent(event: ProxyEvent) {
			if (event.kind === "flow") passed++;
			journal.event(event);
		},
		wantsFlows: journal.wantsFlows || proof?.isDetailed === true,
		onMiss(miss) {
			journal.miss(miss);
			proof?.miss(miss);
		},
		...(proof?.isDetailed && { onServed: (served) => proof.served(served), onUnused: (recording) => proof.unused(recording) }),
	});
	if (isEphemeral && child === null) journal.authority(proxy.authority.certificateFile);
	let status = 0;
	let report: LiveReport;
	try {
		if (child === null) await stopped(io.signal);
		else if (!io.signal.aborted) {
			const { childSurroundings } = await import("../../api/child-environment.ts");
			const surroundings = childSurroundings(proxy, home, io.env, values.proxyauth as string | null);
			const warn = (message: string) => journal.log("warning", message);
			status = await runWithin(child, isPast ? await inThePast(surroundings, proxy.recordedAt, warn) : surroundings);
		}
	} finally {
		report = await proxy.close();
	}
	const verdict = (await proof?.end(report)) ?? 0;
	const result = verdict || status || journal.status;
	const kept = settle === undefined ? { output, recorded: report.recorded } : await settle({ status: result, passed }, trouble);
	journal.end({ ...report, recorded: kept?.recorded ?? 0 }, kept?.output ?? null);
	return result || journal.status;
}

function stopped(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}

/** Runs the child in an environment that leads it through the proxy. @throws FlowtapeError FT_COMMAND, FT_CA */
async function runWithin(child: readonly string[], environment: Record<string, string>): Promise<number> {
	const { runChild } = await import("../../src/child/process.ts");
	const [command = "", ...args] = child;
	return (await runChild(command, args, environment)).status;
}

/** The environment with a clock that shows the time of the recording. */
async function inThePast(environment: Record<string, string>, recordedAt: number | null, warn: (message: string) => void): Promise<Record<string, string>> {
	if (recordedAt === null) return environment;
	const { findFaketime, movedClock } = await import("../../src/child/clock.ts");
	const library = findFaketime();
	if (library === null) warn("--freeze-time reaches programs that run on Node only: libfaketime is not installed");
	return movedClock(environment, recordedAt - Date.now() / 1000, library);
}
