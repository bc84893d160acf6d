// Makes words and an exit status of an error. It needs no package: what is missing from an installation is told of here too.
import { FlowtapeError, installError } from "../../src/errors.ts";
import { kebab } from "../../src/options.ts";
import { printableLine } from "../../src/views/printable.ts";
import type { Io } from "./command.ts";

/**
 * Tells of an error, with its stack if wanted, and gives the exit status that it means.
 * @param flag of the option that is wrong, where one is
 */
export function tell(thrown: unknown, debug: boolean, { stderr }: Pick<Io, "stderr">, flag?: string): number {
	const error = installError(thrown);
	const isOurs = error instanceof FlowtapeError;
	const option = isOurs && error.option !== undefined ? `--${flag ?? kebab(error.option)}: ` : "";
	const message = error instanceof Error ? error.message : String(error);
	// a library's message names the option by itself
	const said = isOurs && message.startsWith(`${error.option}: `) ? message.slice(message.indexOf(" ") + 1) : message;
	const hint = isOurs ? "" : "This is a defect of flowtape; run again with --debug and report what it prints.\n";
	// what a script throws may have lines of its own; a name must not
	const shown = isOurs && error.code !== "FT_SCRIPT" ? printableLine(said) : said;
	stderr.write(`flowtape: ${option}${shown}\n${debug ? `${chain(error)}\n` : hint}`);
	return isOurs ? error.status : 4;
}

function chain(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	const cause = error.cause === undefined ? "" : `\ncaused by ${chain(error.cause)}`;
	return `${error.stack ?? error.message}${cause}`;
}
