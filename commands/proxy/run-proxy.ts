// The common part of the proxy commands: starts the proxy, runs the child command or waits for a signal, and reports
// the end.
import { join } from "node:path";
import { type CaFolder, openCaFolder } from "../../api/authority-folder.ts";
import { type LiveProxy, type LiveReport, type LiveSetup, type LiveValues, startLive } from "../../api/live.ts";
import { childOptions, forwardingOptions } from "../../api/live-options.ts";
import { RuleUse } from "../../api/rule-use.ts";
import type { ClientProcesses } from "../../src/child/client-processes.ts";
import { FlowtapeError, type Reporter } from "../../src/errors.ts";
import { expandHome, type OptionSpec, type OptionTable, type OptionValues } from "../../src/options.ts";
import type { ProxyEvent } from "../../src/proxy/context/context.ts";
import { options as redactionOptions } from "../../src/redact/options.ts";
import { options as scriptOptions } from "../../src/scripts/options.ts";
import type { CommonValues, Input, Io, OptionGroup } from "../cli/command.ts";
import { RunReporter } from "../print/run-reporter.ts";
import { outputOptions } from "../tapes/copy-flows.ts";
import type { ReplayVerdict } from "./verdict.ts";

export const caOption = {
	type: "string",
	default: null,
	metavar: "ephemeral|FOLDER",
	help: "The certificate authority: ephemeral (created for this run only), or a folder that holds one. Default: the user's own.",
} as const satisfies OptionSpec;

/** Options of every proxy command, except features. */
export const liveCommandOptions = {
	ca: caOption,
	json: { type: "boolean", default: false, help: "Print one JSON object for each event on stdout, `listening` first." },
	...childOptions,
	...scriptOptions,
	format: { ...outputOptions.format, help: "Record in this format, regardless of the extension." },
} as const satisfies OptionTable;

/** Options of the proxy and of features, for a command that records. */
export async function recordGroups() {
	const { hookOptions } = await import("../../src/hooks/builtin.ts");
	const { proxyOptions } = await import("../../src/proxy/server.ts");
	return [
		{ title: "Proxy options", table: proxyOptions },
		featureGroup({ ...hookOptions, ...forwardingOptions }),
		redactionGroup,
	] as const;
}

/** The same, for a command that answers from tapes. */
export async function serverGroups() {
	const { hookOptions } = await import("../../src/hooks/builtin.ts");
	const { proxyOptions } = await import("../../src/proxy/server.ts");
	const table = { ...hookOptions, server_replay_filter: { ...hookOptions.server_replay_filter, short: "f" } } as const;
	return [
		{ title: "Proxy options", table: proxyOptions },
		featureGroup(table, "server_replay_"),
		redactionGroup,
	] as const;
}

/** The same, for a command that sends requests. */
export async function clientGroups() {
	const { hookOptions } = await import("../../src/hooks/builtin.ts");
	const { options: table } = await import("../../src/proxy/replay-client.ts");
	return [
		{ title: "Proxy options", table },
		featureGroup({ ...hookOptions, ...forwardingOptions }),
		redactionGroup,
	] as const;
}

const redactionGroup = { title: "Redaction", table: redactionOptions } as const satisfies OptionGroup;

function featureGroup<const T extends OptionTable>(table: T, prefix = ""): OptionGroup<T> {
	return { title: "Features", table, prefix };
}

/** Maximum number of errors that explain why nothing was recorded. */
const KEPT_ERRORS = 3;

/** Earlier than any recording. */
const LONG_AGO = new Date(Date.UTC(2000, 0));

type LiveInput = Omit<Input<CommonValues & OptionValues<typeof liveCommandOptions> & LiveValues>, "args">;
export type LiveJob = Pick<LiveSetup, "output" | "joins" | "network" | "durable" | "wording" | "keeps"> & {
	/** Tapes to answer from. */
	recordings: readonly string[];
	/** Decides whether the run failed. */
	verdict?: ReplayVerdict;
	/** Whether the child's clock shows the time of the recording. */
	usesRecordedTime?: boolean;
	/** Runs the child; resolves to its exit status. Default: the child is the command that was given. */
	runChild?: (proxy: LiveProxy, environment: Record<string, string>) => Promise<number>;
	/** Called when the proxy listens, before the child is started. */
	onStart?: (proxy: LiveProxy) => void;
	/** Called with the counts of the run. */
	onEnd?: (report: LiveReport) => void;
	/**
	 * Completes or discards the output at the end. Resolves to the tape and the number of flows that were kept; null:
	 * none.
	 */
	finishTape?: (run: FinishedRun, report: Reporter) => Promise<Kept | null>;
};

/** The tape with the flows, and their number. */
interface Kept {
	output: string | null;
	recorded: number;
}

export interface FinishedRun extends Kept {
	status: number;
	/** Number of flows and of the browser's own requests that passed through the proxy. */
	passed: number;
	/** Number of requests that browsers made by themselves. */
	noise: number;
	/** Number of requests and tunnels to the command's own servers, which were not intercepted. */
	own: number;
	/** The first errors of clients and servers that the proxy reported. */
	errors: ReadonlySet<string>;
}

/** Whether requests without a recording are forwarded. */
export function isNetworkWanted({
	server_replay_extra: extra,
	server_replay_kill_extra: kill,
}: LiveInput["values"]): boolean {
	return extra === "forward" && !kill;
}

/** Runs the proxy until its command ends or the user stops it; resolves to the exit status. */
export async function runLive(job: LiveJob, { child, values, scripts }: LiveInput, io: Io): Promise<number> {
	const caFolder = await openCaFolder(values.ca, io.env);
	const clients =
		child === null || job.recordings.length === 0
			? null
			: new (await import("../../src/child/client-processes.ts")).ClientProcesses();
	try {
		return await runIn(caFolder, clients, job, { child, values, scripts }, io);
	} finally {
		clients?.close();
		await caFolder.close();
	}
}

async function runIn(
	{ folder, isEphemeral }: CaFolder,
	clients: ClientProcesses | null,
	{ verdict, usesRecordedTime, runChild, onStart, onEnd, finishTape, ...job }: LiveJob,
	{ child, values, scripts }: LiveInput,
	io: Io,
): Promise<number> {
	// a certificate of the usual authority would not be valid yet at the recorded time
	const home = usesRecordedTime ? join(folder, "past") : folder;
	const output = job.output === null ? null : expandHome(job.output);
	if (output === "-" && values.json)
		throw new FlowtapeError("FT_USAGE", "--json prints events to stdout, which cannot be the tape too");
	if (output === null && values.format !== null)
		throw new FlowtapeError("FT_USAGE", "--format needs a tape to record to: -o TAPE");
	// a child gets the address from its environment
	const isAddressWanted = child === null || values.verbose || (Boolean(values.listen_port) && !values.quiet);
	const reporter = new RunReporter(io, { ...values, isAddressWanted, followsFlows: child === null });
	const trouble: Reporter = (code, message, detail) => reporter.trouble(code, message, detail);
	if (scripts !== null) scripts.log = (level, message) => reporter.script(level, message);
	let passed = 0;
	const errors = new Set<string>();
	const use = RuleUse.ofProxy(values, { answers: job.recordings.length > 0 });
	const own =
		child === null || values.own_servers === "record"
			? null
			: new (await import("../../src/child/own-servers.ts")).OwnServers();
	// load these before clients connect: later the process may have run out of file descriptors, and Node caches a failed
	// import
	if (child !== null)
		await Promise.all([
			import("../../api/child-environment.ts"),
			import("../../src/child/process.ts"),
			import("../../src/child/clock.ts"),
		]);
	// a browser that does not trust the authority says so for the user's hosts too
	const isNoise =
		values.browser_noise === "answer" && !values.verbose
			? (await import("../../src/hooks/browser-noise/rules.ts")).isNoiseHost
			: null;
	const proxy = await startLive({
		...job,
		scripts: scripts ?? undefined,
		output,
		format: values.format,
		recordings: job.recordings.map((path) => expandHome(path)),
		values: child !== null && values.listen_port === null ? { ...values, listen_port: 0 } : values,
		own,
		...(clients && { clients }),
		home,
		isEphemeral,
		...(usesRecordedTime && { validFrom: LONG_AGO }),
		env: io.env,
		report: trouble,
		log: (level, message) => reporter.log(level, message),
		onChange: (rule, option) => use.applied(rule, option),
		onApply: (rule, option) => use.applied(rule, option),
		onEvent(event: ProxyEvent) {
			if (event.kind === "client_error" && isNoise?.(event.untrusted ?? "")) return;
			if (event.kind === "flow" || event.kind === "noise") passed++;
			else if ((event.kind === "upstream_error" || event.kind === "client_error") && errors.size < KEPT_ERRORS)
				errors.add(event.message);
			reporter.event(event);
		},
		wantsFlows: reporter.wantsFlows || verdict?.isDetailed === true,
		reportsCached: reporter.reportsCached,
		onMiss(miss) {
			reporter.miss(miss);
			verdict?.miss(miss);
		},
		...(verdict?.isDetailed && {
			onServed: (served) => verdict.served(served),
			onUnused: (recording) => verdict.unused(recording),
		}),
	});
	let status = 0;
	let report: LiveReport;
	try {
		onStart?.(proxy);
		if (isEphemeral && child === null) reporter.authority(proxy.authority.certificateFile);
		if (child === null) await aborted(io.signal);
		else if (!io.signal.aborted) {
			const { proxyEnvironment } = await import("../../api/child-environment.ts");
			const { bypassOf } = await import("../../src/child/environment.ts");
			const warn = (message: string) => reporter.log("warning", message);
			const environment = proxyEnvironment(proxy, home, io.env, {
				proxyauth: values.proxyauth,
				keepsBypass: values.keep_no_proxy,
				own,
				clients,
			});
			const bypass = bypassOf(io.env);
			if (bypass !== "" && environment.HTTP_PROXY !== undefined && !values.keep_no_proxy)
				warn(
					`NO_PROXY=${bypass} is cleared for the command, so that requests to these hosts go through the proxy; --keep-no-proxy keeps it`,
				);
			const childEnvironment = usesRecordedTime
				? await withRecordedClock(environment, proxy.recordedAt, warn)
				: environment;
			status = await (runChild?.(proxy, childEnvironment) ??
				runBehindProxy(child, childEnvironment, (pid) => own?.follow(pid)));
		}
	} finally {
		report = await proxy.close();
	}
	if (passed > 0) for (const text of use.unusedTexts) reporter.log("warning", text);
	onEnd?.(report);
	const verdictStatus = (await verdict?.end(report)) ?? 0;
	const result = verdictStatus || status || reporter.status;
	const kept =
		finishTape === undefined
			? { output, recorded: report.recorded }
			: await finishTape(
					{
						status: result,
						passed,
						noise: report.noise,
						own: report.own,
						output,
						recorded: report.recorded,
						errors,
					},
					trouble,
				);
	reporter.end({ ...report, recorded: kept?.recorded ?? 0 }, kept?.output ?? null);
	return result || reporter.status;
}

function aborted(signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) resolve();
		else signal.addEventListener("abort", () => resolve(), { once: true });
	});
}

/** Runs the child in an environment for the proxy. @throws FlowtapeError FT_COMMAND, FT_CA */
async function runBehindProxy(
	child: readonly string[],
	environment: Record<string, string>,
	onStart: (pid: number) => void,
): Promise<number> {
	const { runChild } = await import("../../src/child/process.ts");
	const [command = "", ...args] = child;
	return (await runChild(command, args, environment, { onStart })).status;
}

/** Adds variables for a clock that shows the time of the recording. */
async function withRecordedClock(
	environment: Record<string, string>,
	recordedAt: number | null,
	warn: (message: string) => void,
): Promise<Record<string, string>> {
	if (recordedAt === null) return environment;
	const { findFaketime, movedClock } = await import("../../src/child/clock.ts");
	const library = findFaketime();
	if (library === null) warn("--freeze-time works only for programs on Node: libfaketime is not installed");
	return movedClock(environment, recordedAt - Date.now() / 1000, library);
}
