// Runs a command on its arguments, and puts errors in words.
import { FlowtapeError } from "../src/errors.ts";
import type { Command, Io } from "./command.ts";
import { parseArguments } from "./options.ts";
import { didYouMean } from "./suggest.ts";

/** Parses, then runs. Everything behind `--` is the child's, for a command that has one. */
export async function runCommand(command: Command, argv: readonly string[], io: Io, all: () => Promise<readonly Command[]>): Promise<number> {
	const at = command.takesChild ? argv.indexOf("--") : -1;
	const own = at === -1 ? argv : argv.slice(0, at);
	const parsed = await parseArguments(command, own, io.env, all);
	if (parsed.help !== null) {
		io.stdout.write(parsed.help);
		return 0;
	}
	const { values, warnings } = parsed;
	for (const warning of warnings) io.stderr.write(`flowtape: ${warning}\n`);
	const child = at === -1 ? null : argv.slice(at + 1);
	if (child?.length === 0) throw new FlowtapeError("FT_USAGE", `${command.name}: a command was expected after --`);
	const options = Object.fromEntries(Object.keys(command.options).map((name) => [name, values[name]]));
	return command.run({ args: parsed.args, options: options as never, values, child }, io);
}

/** The error for a command that there is not. */
export function unknownCommand(name: string, names: readonly string[]): FlowtapeError {
	const what = name.startsWith("-") ? `unknown option '${name}' before the command` : `"${name}" is not a command.${didYouMean(name, names)}`;
	return new FlowtapeError("FT_USAGE", `${what} Try: flowtape --help`);
}

/** What to print about an error, and the exit status it means. */
export function explain(error: unknown, debug: boolean): { text: string; status: number } {
	if (error instanceof FlowtapeError) {
		const trace = debug ? `${chain(error)}\n` : "";
		return { text: `flowtape: ${error.message}\n${trace}`, status: error.status };
	}
	const message = error instanceof Error ? error.message : String(error);
	const trace = debug ? `${chain(error)}\n` : "This is a defect of flowtape; run again with --debug and report what it prints.\n";
	return { text: `flowtape: ${message}\n${trace}`, status: 4 };
}

function chain(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const cause = error.cause === undefined ? "" : `\ncaused by ${chain(error.cause)}`;
	return `${error.stack ?? error.message}${cause}`;
}
