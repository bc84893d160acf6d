// `run`: runs a command with a tape, which is recorded the first time and replayed from then on.

import type { ChildStreams } from "../src/child/process.ts";
import { FlowtapeError } from "../src/errors.ts";
import type { MatchFunction } from "../src/replay/recordings/index-of-tapes.ts";
import type { REPLAY_PREFIX } from "./live-options.ts";
import type { PartialOptions } from "./options.ts";
import { type ProxyOptions, proxyOptionNames, RENAMED, type StartedProxy, startProxy } from "./proxy.ts";
import type { ProxyEvent, RunReport } from "./run-events.ts";
import type { runOptions } from "./run-options.ts";
import { fileOf } from "./source.ts";
import type { FormatName, TapePath } from "./tape.ts";
import { TroubleLog } from "./trouble.ts";
import type { Failure } from "./verdict.ts";

type Given = Omit<
	PartialOptions<typeof runOptions, typeof REPLAY_PREFIX, typeof RENAMED>,
	keyof ProxyOptions | "match"
>;

/**
 * Options of `run`: those of `flowtape run` in camelCase, without `server_replay_` (docs/options.md), and the
 * following.
 */
export interface RunOptions extends Given, ProxyOptions {
	/** The tape: recorded if it is missing, replayed if it exists, unless `recordMode` says otherwise. */
	readonly tape: TapePath;
	/**
	 * The command's environment, usually `process.env`; `run` adds the variables for the proxy. Its HTTPS_PROXY,
	 * HTTP_PROXY and NO_PROXY name upstream proxies. FLOWTAPE_RECORD_MODE in it overrides `recordMode`. If CI is set in it,
	 * nothing is recorded unless one of them says so.
	 */
	readonly env: NodeJS.ProcessEnv;
	/** A last check: whether a recording that matches by all other options may answer the request. Default: it may. */
	readonly match?: MatchFunction | null | undefined;
	/** The format of a new tape; default: by its extension. */
	readonly format?: FormatName | undefined;
	/** The command's working directory; default: that of this process. */
	readonly cwd?: string | URL | undefined;
	/** The command's stdin, stdout and stderr; default `inherit`: those of this process. */
	readonly stdio?: ChildStreams | undefined;
	/** Called with every event of the proxy. If it throws, an `error` event is emitted. */
	readonly onEvent?: ((event: ProxyEvent) => unknown) | undefined;
	/**
	 * Ends the command when it is aborted: SIGTERM, then SIGKILL after 5 seconds. The tape is unchanged, and `run` throws
	 * the signal's reason.
	 */
	readonly signal?: AbortSignal | undefined;
}

/** The report of `run`. */
export interface CommandReport extends RunReport {
	/** The command's exit status, or 128 + n if signal n ended it; 1 if there are `failures`. */
	readonly status: number;
	/** Violations of `failOn` and `maxMiss`. If the run does not record, `failOn` is `miss` by default. */
	readonly failures: readonly Failure[];
}

const OWN: readonly (keyof RunOptions)[] = [...proxyOptionNames, "tape", "cwd", "stdio", "onEvent", "format"];

/**
 * Runs a command, without a shell, behind a proxy that records to a tape or answers from it. Resolves when the command
 * has ended and the tape is written. If the run fails (exit status other than 0, `failures`, lost flows), the tape is
 * unchanged and `recorded` is 0.
 * @param command the program and its arguments
 * @throws FlowtapeError FT_USAGE, FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_COMMAND, FT_NOT_FOUND if there is no
 * tape to replay, FT_IO, FT_CA, FT_PORT, FT_CORRUPT_FLOW for damaged recordings unless `onTrouble` or `strict` says to
 * skip them; the signal's reason if it is aborted
 */
export async function run(command: readonly string[], options: RunOptions): Promise<CommandReport> {
	const { optionValues } = await import("./options.ts");
	const { REPLAY_PREFIX: prefix } = await import("./live-options.ts");
	const { runOptions } = await import("./run-options.ts");
	const { recordModeOf, TapeRun } = await import("./tape-run.ts");
	const { Verdict } = await import("./verdict.ts");
	const { OwnServers } = await import("../src/child/own-servers.ts");
	const { tape, env, cwd, stdio, onEvent, port = 0, format = null, signal } = options;
	const [program = ""] = command;
	if (program === "")
		throw new FlowtapeError("FT_USAGE", "run: expected a command, as an array of the program and its arguments");
	if (tape === undefined || env === undefined)
		throw new FlowtapeError("FT_USAGE", "run: expected the options `tape` and `env` (usually `env: process.env`)");
	signal?.throwIfAborted();
	const context = { verb: "run", prefix, renamed: RENAMED, others: OWN };
	const values = optionValues(runOptions, { ...options, port }, context);
	const tapeRun = await TapeRun.open({
		tape: fileOf(tape),
		mode: recordModeOf(env) ?? values.record_mode,
		env,
		format,
		keepsFailures: values.record_failures,
	});
	try {
		const verdict = new Verdict({ ...values, fail_on: tapeRun.failOn(values.fail_on) });
		if (tapeRun.startError !== null) throw new FlowtapeError("FT_NOT_FOUND", tapeRun.startError);
		const own = values.own_servers === "record" ? null : new OwnServers();
		const job = {
			...tapeRun.proxySetup(values.server_replay_extra === "forward"),
			own,
			keepsBypass: values.keep_no_proxy,
		};
		// the signal ends the command, and then the proxy
		const proxy = await startProxy(
			{ ...job, values: tapeRun.withTapeDefaults(values) },
			{ ...options, signal: undefined },
		);
		const onStart = (pid: number) => own?.follow(pid);
		const { status, report } = await runBehind(proxy, command, { env, cwd, stdio, onEvent, onStart, signal });
		const failures = verdict.failuresOf(report);
		const isInterrupted = signal?.aborted === true;
		const isGood = status === 0 && failures.length === 0 && report.lost === 0;
		const settled = await tapeRun.finish({ isInterrupted, isGood, report: new TroubleLog(options).report });
		signal?.throwIfAborted();
		return {
			...report,
			recorded: settled.kind === "recorded" ? settled.recorded : 0,
			status: failures.length > 0 ? 1 : status,
			failures,
		};
	} finally {
		await tapeRun.close();
	}
}

interface ChildSetup extends Pick<RunOptions, "env" | "cwd" | "stdio" | "onEvent" | "signal"> {
	/** Called with the process id of the command. */
	onStart: (pid: number) => void;
}

/** Runs a command behind a proxy, which is closed at the end. */
async function runBehind(
	proxy: StartedProxy,
	[program = "", ...args]: readonly string[],
	{ env, onEvent, ...child }: ChildSetup,
): Promise<{ status: number; report: RunReport }> {
	const { runChild } = await import("../src/child/process.ts");
	let status = 0;
	let report: RunReport;
	try {
		if (onEvent !== undefined) proxy.onAny(onEvent);
		// the program decides whether a signal to this process ends the command
		({ status } = await runChild(program, args, proxy.env(env), { ...child, signals: null }));
	} finally {
		report = await proxy.close();
	}
	return { status, report };
}
