// Parses a command's arguments, runs it, and reports its errors.

import { errorCodes, FlowtapeError } from "../../src/errors.ts";
import { didYouMean } from "../../src/suggest.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Command, Io } from "./command.ts";
import { flagOf, parseArguments } from "./options.ts";
import { reportError } from "./report-error.ts";

/**
 * Parses, runs, and reports errors on stderr; resolves to the exit status. Arguments after `--` are the child command,
 * if the command takes one.
 * @param all the commands whose options a configuration file may hold
 */
export async function runCommand(
	command: Command,
	argv: readonly string[],
	io: Io,
	all: () => Promise<readonly Command[]>,
): Promise<number> {
	const at = command.takesChild ? argv.indexOf("--") : -1;
	const own = at === -1 ? argv : argv.slice(0, at);
	const child = at === -1 ? null : argv.slice(at + 1);
	let debug = own.includes("--debug");
	/** null: the arguments are not parsed yet. */
	let sources: ReadonlyMap<string, string> | null = null;
	try {
		const parsed = await parseArguments(command, own, io.env, all);
		const { info, args, values, warnings, scripts } = parsed;
		if (info !== null) {
			const { printInfo } = await import("./print-info.ts");
			await printInfo(command, info, io);
			return 0;
		}
		({ sources } = parsed);
		debug = values.debug;
		for (const warning of warnings) io.stderr.write(`flowtape: ${printableLine(warning)}\n`);
		if (child?.length === 0)
			throw new FlowtapeError("FT_USAGE", `${command.name}: expected a command after --, found none`);
		if (scripts !== null) io.handleUncaught = (error) => scripts.handleUncaught(error);
		return await command.run({ args, values, child, scripts }, io);
	} catch (error) {
		if (sources === null && (await isForeign([command.name, ...argv], io, all))) return errorCodes.FT_USAGE.status;
		const option = error instanceof FlowtapeError ? error.option : undefined;
		return reportError(error, debug, io, option && (sources?.get(option) ?? `--${await flagOf(command, option)}`));
	}
}

/** Whether a command line has words of another tool. If so, prints its translation on stderr; nothing is run. */
async function isForeign(words: readonly string[], io: Io, all: () => Promise<readonly Command[]>): Promise<boolean> {
	const { reportTranslation } = await import("./foreign-words.ts");
	return reportTranslation(words, await all(), io);
}

/** Reports an unknown command, with a translation if it is one of another tool. Resolves to the exit status. */
export async function rejectCommand(
	words: readonly string[],
	io: Io,
	all: () => Promise<readonly Command[]>,
): Promise<number> {
	if (await isForeign(words, io, all)) return errorCodes.FT_USAGE.status;
	const names = (await all()).map(({ name }) => name);
	return reportError(unknownCommand(words[0] ?? "", names), words.includes("--debug"), io);
}

/** The error for an unknown command. */
export function unknownCommand(name: string, names: readonly string[]): FlowtapeError {
	const what = name.startsWith("-")
		? `unknown option '${name}' before the command.`
		: `"${name}" is not a command.${didYouMean(name, names)}`;
	return new FlowtapeError("FT_USAGE", `${what} Try: flowtape --help`);
}
