// A run with a tape. The record mode decides whether it replays and whether it records. The tape is updated at the end.
import { FlowtapeError, type Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import type { Metadata } from "../src/flow/metadata.ts";
import { formatAuthority } from "../src/flow/url.ts";
import type { OptionTable } from "../src/options.ts";
import {
	isNew,
	isSuccess,
	NewCassette,
	RECORD_MODES,
	type RecordMode,
	type RunPlan,
	runPlan,
	tapeExists,
} from "./cassette.ts";
import type { LiveSetup, LiveValues } from "./live.ts";
import { parseValue } from "./option-value.ts";

export const options = {
	record_mode: {
		type: "string",
		default: null,
		choices: RECORD_MODES,
		help: "When to record: once, none, new-episodes or all. once: if the tape does not exist (the default); none: never (the default if CI is set); new-episodes: requests without a recording; all: everything again.",
	},
	record_failures: {
		type: "boolean",
		default: false,
		help: "Also record failed requests, and responses with status 500 and above.",
	},
} as const satisfies OptionTable;

type OrderValues = Pick<LiveValues, "server_replay_order" | "server_replay_reuse" | "server_replay_match_profile">;

export interface TapeRunSetup {
	/** The tape's file. */
	tape: string;
	/** null: `none` if `env` has CI, else `once`. */
	mode: RecordMode | null;
	env: NodeJS.ProcessEnv;
	/** Name of the tape's format; null: by the extension. */
	format: string | null;
	/** Whether failed exchanges are recorded too. */
	keepsFailures: boolean;
}

/** What happened to the tape. It is unchanged unless it was `recorded`. */
export type TapeOutcome =
	| { readonly kind: "recorded"; readonly recorded: number }
	| { readonly kind: "interrupted" | "failed" | "nothing"; readonly isThere: boolean }
	| { readonly kind: "replayed" };

/** How a run ended. */
export interface RunEnd {
	readonly isInterrupted: boolean;
	/** Whether the run succeeded, so that its flows are kept. */
	readonly isGood: boolean;
	readonly report: Reporter;
	/** Notes to add to the tape. Default: none. */
	readonly notes?: Metadata;
	/** Ids of recorded flows that are not kept. Default: all are kept. */
	readonly drops?: ReadonlySet<string>;
}

/** Maximum number of different reasons of failures that are kept. */
const KEPT_REASONS = 20;

export class TapeRun {
	readonly mode: RecordMode;
	/** Whether the tape existed at the start. */
	readonly exists: boolean;
	/** Number of failed exchanges that were not recorded. */
	failures = 0;
	/** The number of failures by reason. Further reasons than the first `KEPT_REASONS` are not kept. */
	readonly failureReasons = new Map<string, number>();
	readonly #setup: TapeRunSetup;
	readonly #plan: RunPlan;
	/** null: nothing is recorded. */
	readonly #draft: NewCassette | null;

	private constructor(setup: TapeRunSetup, mode: RecordMode, exists: boolean, draft: NewCassette | null) {
		this.#setup = setup;
		this.mode = mode;
		this.exists = exists;
		this.#plan = runPlan(mode, exists);
		this.#draft = draft;
	}

	/** @throws FlowtapeError FT_IO, FT_USAGE, also if a format is given and nothing is recorded */
	static async open(setup: TapeRunSetup): Promise<TapeRun> {
		const { tape, env, format } = setup;
		const exists = await tapeExists(tape);
		const mode = setup.mode ?? (isContinuousIntegration(env) ? "none" : "once");
		const { records } = runPlan(mode, exists);
		if (!records && format !== null)
			throw new FlowtapeError("FT_USAGE", "--format is only for recording, and this run records nothing");
		return new TapeRun(setup, mode, exists, records ? await NewCassette.create(tape, format) : null);
	}

	/** Whether this run records. */
	get records(): boolean {
		return this.#plan.records;
	}

	/**
	 * The settings for the proxy of this run. `wantsNetwork`: whether it may connect to servers even if it does not
	 * record.
	 */
	proxySetup(
		wantsNetwork: boolean,
	): Pick<LiveSetup, "output" | "joins" | "network" | "keeps"> & { recordings: string[] } {
		const { tape: joins } = this.#setup;
		const recordings = this.#plan.replays ? [joins] : [];
		if (this.#draft === null) return { output: null, joins, recordings, network: wantsNetwork };
		return {
			joins,
			output: this.#draft.file,
			recordings,
			network: true,
			keeps: (flow) => isNew(flow) && this.#isWanted(flow),
		};
	}

	/** The values of `fail_on`. By default, a run that does not record fails on misses. */
	failOn(words: readonly string[]): string[] {
		return words.length > 0 || this.records ? [...words] : ["miss"];
	}

	/** Why the run cannot start: there is no tape, and it must not record one. null: it can start. */
	get startError(): string | null {
		if (this.exists || this.mode !== "none") return null;
		return `${this.#setup.tape}: no such tape, and ${this.#setup.mode === null ? "CI is set, so nothing is recorded" : "record mode none records nothing"}`;
	}

	/**
	 * Adapts the options to a run with a tape: equal requests get each recording once, then the last one again (order
	 * `sequence`), unless the options choose another order. If the run replays and records, requests without a recording
	 * are forwarded.
	 */
	withTapeDefaults<Values extends OrderValues>(values: Values): Values {
		const { server_replay_order: order, server_replay_reuse: isReused, server_replay_match_profile: profile } = values;
		const inOrder =
			order !== null || isReused || profile !== "mitmproxy" ? values : { ...values, server_replay_order: "sequence" };
		return this.records && this.#plan.replays
			? { ...inOrder, server_replay_extra: "forward", server_replay_kill_extra: false }
			: inOrder;
	}

	#isWanted(flow: Flow): boolean {
		if (this.#setup.keepsFailures || isSuccess(flow)) return true;
		this.failures++;
		this.#noteReason(reasonOf(flow));
		return false;
	}

	#noteReason(reason: string): void {
		const known = this.failureReasons.get(reason);
		if (known !== undefined || this.failureReasons.size < KEPT_REASONS)
			this.failureReasons.set(reason, (known ?? 0) + 1);
	}

	/**
	 * Adds the recorded flows to the tape if the run succeeded.
	 * @throws FlowtapeError FT_IO, and errors of reading the tape
	 */
	async finish({ isInterrupted, isGood, report, notes = {}, drops }: RunEnd): Promise<TapeOutcome> {
		if (this.#draft === null) return { kind: "replayed" };
		const { tape, format } = this.#setup;
		const keepsOld = this.#plan.replays;
		const unchanged = async (kind: "interrupted" | "failed" | "nothing") =>
			({ kind, isThere: keepsOld || (await tapeExists(tape)) }) as const;
		if (isInterrupted) return unchanged("interrupted");
		if (!isGood) return unchanged("failed");
		const before = await unchanged("nothing");
		const recorded = await this.#draft.commit({ format, keepsOld, report, notes, drops });
		return recorded > 0 || keepsOld || Object.keys(notes).length > 0 ? { kind: "recorded", recorded } : before;
	}

	/** Removes the draft. */
	async close(): Promise<void> {
		await this.#draft?.close();
	}
}

/** Why a flow did not succeed. */
function reasonOf(flow: Flow): string {
	if (flow.error !== null) return flow.error.message;
	if (flow.type !== "http") return "it was cut off";
	const { request, response } = flow;
	return `${formatAuthority(request.host, request.port)} answered ${response?.statusCode ?? "nothing"}`;
}

/**
 * The record mode that an environment names; null: none. An empty variable is ignored.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function recordModeOf({ FLOWTAPE_RECORD_MODE }: NodeJS.ProcessEnv): RecordMode | null {
	const text = FLOWTAPE_RECORD_MODE?.trim();
	return text ? (parseValue(options.record_mode, text, "FLOWTAPE_RECORD_MODE") as RecordMode) : null;
}

function isContinuousIntegration({ CI }: NodeJS.ProcessEnv): boolean {
	return CI !== undefined && !["", "0", "false"].includes(CI);
}
