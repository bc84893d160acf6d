// Reports an error on stderr. Imports no package, so that it can also report a missing package.
import { FlowtapeError, installError, messageOf, openFilesError } from "../../src/errors.ts";
import { kebab } from "../../src/options.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "./command.ts";

/**
 * Prints an error, with its stack if `debug`, and returns the exit status.
 * @param where how the option that is wrong was given, if any
 */
export function reportError(thrown: unknown, debug: boolean, { stderr }: Pick<Io, "stderr">, where?: string): number {
	const error = openFilesError(installError(thrown));
	const isOurs = error instanceof FlowtapeError;
	const option = isOurs && error.option !== undefined ? `${where ?? `--${kebab(error.option)}`}: ` : "";
	const message = messageOf(error);
	// messages of the library may begin with the option's name
	const text = isOurs && message.startsWith(`${error.option}: `) ? message.slice(message.indexOf(" ") + 1) : message;
	const hint = isOurs ? "" : "This is a defect of flowtape; run again with --debug and report what it prints.\n";
	// errors of scripts may have several lines
	const shown = isOurs && error.code !== "FT_SCRIPT" ? printableLine(text) : text;
	stderr.write(`flowtape: ${option}${shown}\n${debug ? `${chain(error)}\n` : hint}`);
	return isOurs ? error.status : 4;
}

function chain(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const cause = error.cause === undefined ? "" : `\ncaused by ${chain(error.cause)}`;
	return `${error.stack ?? error.message}${cause}`;
}
