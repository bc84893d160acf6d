// `flowtape help`: the list of commands, everything on one command, or a topic.

import { FlowtapeError } from "../../src/errors.ts";
import { didYouMean } from "../../src/suggest.ts";
import type { Command, Io } from "./command.ts";
import { printInfo, printThroughPager, widthOf } from "./print-info.ts";
import { topics } from "./topics.ts";
import { usage } from "./usage.ts";

/**
 * Prints the requested text.
 * @param commands loaders of commands by name
 * @throws FlowtapeError FT_USAGE if there is no such command or topic
 */
export async function help(
	word: string | undefined,
	commands: Readonly<Record<string, () => Promise<Command>>>,
	io: Io,
): Promise<void> {
	if (word === undefined) {
		io.stdout.write(usage(await Promise.all(Object.values(commands).map((load) => load()))));
		return;
	}
	const load = Object.hasOwn(commands, word) ? commands[word] : undefined;
	if (load !== undefined) return printInfo(await load(), "full help", io);
	const topic = Object.hasOwn(topics, word) ? topics[word] : undefined;
	if (topic === undefined)
		throw new FlowtapeError(
			"FT_USAGE",
			`help: "${word}" is neither a command nor a topic.${didYouMean(word, [...Object.keys(commands), ...Object.keys(topics)])} Topics: ${Object.keys(topics).join(", ")}`,
		);
	return printThroughPager(await topic.text(widthOf(io)), io);
}
