// Runs a command on its arguments, and makes an exit status of how it ended.
import { didYouMean } from "../../api/suggest.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Command, Io } from "./command.ts";
import { flagOf, parseArguments } from "./options.ts";
import { tell } from "./tell.ts";

/**
 * Parses, runs, and tells of errors on stderr; resolves to the exit status. Everything behind `--` is the child's, for a command that has one.
 * @param all the commands whose options a configuration file may hold
 */
export async function runCommand(command: Command, argv: readonly string[], io: Io, all: () => Promise<readonly Command[]>): Promise<number> {
	const at = command.takesChild ? argv.indexOf("--") : -1;
	const own = at === -1 ? argv : argv.slice(0, at);
	const child = at === -1 ? null : argv.slice(at + 1);
	let debug = own.includes("--debug");
	try {
		const { help, args, values, warnings, scripts } = await parseArguments(command, own, io.env, all);
		if (help !== null) {
			io.stdout.write(help);
			return 0;
		}
		debug = values.debug === true;
		for (const warning of warnings) io.stderr.write(`flowtape: ${printableLine(warning)}\n`);
		if (child?.length === 0) throw new FlowtapeError("FT_USAGE", `${command.name}: a command was expected after --`);
		if (scripts !== null) io.handleUncaught = (error) => scripts.handleUncaught(error);
		const options = Object.fromEntries(Object.keys(command.options).map((name) => [name, values[name]]));
		return await command.run({ args, options: options as never, values, child, scripts }, io);
	} catch (error) {
		const option = error instanceof FlowtapeError ? error.option : undefined;
		return tell(error, debug, io, option && (await flagOf(command, option)));
	}
}

/** The error for a command that there is not. */
export function unknownCommand(name: string, names: readonly string[]): FlowtapeError {
	const what = name.startsWith("-") ? `unknown option '${name}' before the command.` : `"${name}" is not a command.${didYouMean(name, names)}`;
	return new FlowtapeError("FT_USAGE", `${what} Try: flowtape --help`);
}
