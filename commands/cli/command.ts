// The shape of a command, and what it works with. Only commands/main.ts knows the process.
import type { OptionTable, OptionValues } from "../../src/options.ts";
import type { ScriptHost } from "../../src/scripts/script-host.ts";

/** Streams and surroundings of a command; tests give their own. */
export interface Io {
	stdout: TextSink;
	stderr: TextSink;
	env: NodeJS.ProcessEnv;
	/** Aborted by SIGINT and SIGTERM, and when nobody reads stdout any more. Its reason is the exit status of a command that is interrupted by it. */
	signal: AbortSignal;
	/** Set by a command that runs scripts: whether an error that nobody caught is one of theirs, and told. */
	handleUncaught?: (error: unknown) => boolean;
}

export interface TextSink {
	write(text: string | Uint8Array): unknown;
	readonly isTTY?: boolean | undefined;
}

/** Options that belong together in --help. */
export interface OptionGroup {
	readonly title: string;
	readonly table: OptionTable;
	/** Left out of the flags' names: `server_replay_` makes `--reuse` of `server_replay_reuse`. */
	readonly prefix?: string;
}

export interface Input<T extends OptionTable> {
	/** Positional arguments. */
	args: readonly string[];
	/** The command's own options. */
	options: OptionValues<T>;
	/** Those and the values of all groups, by name; what nobody gave is at its default. */
	values: Readonly<Record<string, unknown>>;
	/** The command after `--`; null where there is no `--`. */
	child: readonly string[] | null;
	/** The scripts that were named; null without any. */
	scripts: ScriptHost | null;
}

export interface Command<T extends OptionTable = OptionTable> {
	readonly name: string;
	/** One line, for the list of commands. */
	readonly summary: string;
	/** Arguments as --help shows them. */
	readonly args: string;
	/** How many arguments it takes. */
	readonly arity: { readonly min: number; readonly max?: number };
	/** Whether it runs a command given after `--`. */
	readonly takesChild?: boolean;
	readonly options: T;
	/** Options of the features that the command has; loaded when it is run or asked for help. */
	groups?(): Promise<readonly OptionGroup[]>;
	/** More for --help, behind the options. */
	notes?(): string;
	/** Command lines that work, each with what it does. */
	readonly examples: readonly (readonly [command: string, does: string])[];
	/** Resolves to the exit status; throws FlowtapeError. */
	run(input: Input<T>, io: Io): Promise<number>;
}

/** A command, its options' types kept. */
export function defineCommand<const T extends OptionTable>(command: Command<T>): Command<T> {
	return command;
}
