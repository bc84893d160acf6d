// Prints help or the version, if the user asked for it instead of running a command.
import { openPager } from "../print/pager.ts";
import type { Command, Io } from "./command.ts";
import { briefHelp, fullHelp } from "./help.ts";
import { flagsOf, type InfoText } from "./options.ts";

/** Maximum line width of texts in the pager, if the terminal is wide enough. */
const MAX_WIDTH = 100;

/** Prints the help of a command, through the pager if it may be longer than a screen, or the version. */
export async function printInfo(command: Command, info: InfoText, io: Io): Promise<void> {
	if (info === "version") io.stdout.write(`${process.env.FLOWTAPE_VERSION ?? "0.0.0"}\n`);
	else if (info === "brief help") io.stdout.write(briefHelp(command, await flagsOf(command)));
	else await printThroughPager(fullHelp(command, await flagsOf(command), widthOf(io)), io);
}

/** The width for texts that the pager shows. */
export function widthOf({ stdout: { columns = MAX_WIDTH } }: Pick<Io, "stdout">): number {
	return Math.max(60, Math.min(columns, MAX_WIDTH));
}

/** Prints a text through the pager. */
export async function printThroughPager(text: string, io: Pick<Io, "stdout" | "env">): Promise<void> {
	const pager = await openPager(io, true, () => {});
	await pager.write(text);
	await pager.close();
}
