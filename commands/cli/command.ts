// The interface of a command and its environment. Only commands/main.ts uses the process.
import type { OptionTable, OptionValues } from "../../src/options.ts";
import type { ScriptHost } from "../../src/scripts/script-host.ts";

/** The streams, environment variables and signal of a command; tests pass their own. */
export interface Io {
	stdout: TextSink;
	stderr: TextSink;
	/** Whether stdin is a terminal; default: no. */
	readonly isStdinTTY?: boolean;
	env: NodeJS.ProcessEnv;
	/**
	 * Aborted by SIGHUP, SIGINT and SIGTERM, and when the reader of stdout closes it. Its reason is the exit status of an
	 * interrupted command.
	 */
	signal: AbortSignal;
	/**
	 * Set by a command that runs scripts: reports an uncaught error if it comes from a script, and returns whether it
	 * does.
	 */
	handleUncaught?: (error: unknown) => boolean;
}

export interface TextSink {
	write(text: string | Uint8Array): unknown;
	readonly isTTY?: boolean | undefined;
	/** The width of the terminal. */
	readonly columns?: number | undefined;
}

/** Options under one title in --help. */
export interface OptionGroup<T extends OptionTable = OptionTable> {
	readonly title: string;
	readonly table: T;
	/** Prefix that is left out of the flags: with `server_replay_`, `server_replay_reuse` is `--reuse`. */
	readonly prefix?: string;
}

/** Options of every command. */
export const commonOptions = {
	quiet: {
		type: "boolean",
		default: false,
		short: "q",
		help: "Print only errors and results. A proxy's address counts as a result, unless a command is run.",
	},
	verbose: { type: "boolean", default: false, short: "v", help: "Print more details." },
	color: {
		type: "boolean",
		default: true,
		help: "Use colours if the output is a terminal. The environment variable NO_COLOR turns them off too.",
	},
	debug: { type: "boolean", default: false, help: "Print the stack trace of an error." },
	config: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Read options from this file. Default: flowtape.config.{ts,js,json,yaml} in the working folder, if it exists.",
	},
} as const satisfies OptionTable;

export type CommonValues = OptionValues<typeof commonOptions>;

type Intersection<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer I) => void ? I : never;
/** The values of groups of options. */
export type GroupValues<G extends OptionGroup> = Intersection<G extends OptionGroup<infer T> ? OptionValues<T> : never>;
/** The values of a command: of its own options `T`, of its groups `G`, and of the common ones. */
export type Values<T extends OptionTable, G extends OptionGroup = never> = CommonValues &
	OptionValues<T> &
	GroupValues<G>;

/** The input of a command; `V` is the type of its option values. */
export interface Input<V> {
	/** Positional arguments. */
	args: readonly string[];
	/**
	 * The values of all options by name: the command's own, those of its groups, and the common ones; given values or
	 * defaults.
	 */
	values: V;
	/** The command after `--`; null if there is no `--`. */
	child: readonly string[] | null;
	/** The loaded scripts; null if there are none. */
	scripts: ScriptHost | null;
}

export interface Command<T extends OptionTable = OptionTable, G extends OptionGroup = OptionGroup> {
	readonly name: string;
	/** One line, for the list of commands. */
	readonly summary: string;
	/** The arguments, for --help. */
	readonly args: string;
	/** The number of arguments. */
	readonly arity: { readonly min: number; readonly max?: number };
	/** Whether the command runs a child command, given after `--`. */
	readonly takesChild?: boolean;
	readonly options: T;
	/** More options, loaded when the command runs or prints help. */
	groups?(): Promise<readonly G[]>;
	/** Text for --help after the options. */
	notes?(): string;
	/** Example command lines and their descriptions. */
	readonly examples: readonly (readonly [command: string, does: string])[];
	/** Resolves to the exit status; throws FlowtapeError. */
	run(input: Input<Values<T, G>>, io: Io): Promise<number>;
}

/** Returns the command unchanged; gives `run` the types of the option values that the options and groups declare. */
export function defineCommand<const T extends OptionTable, const G extends OptionGroup = never>(
	command: Command<T, G>,
): Command<T, G> {
	return command;
}
