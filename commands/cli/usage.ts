// The text of `flowtape --help`, on one screen.
import type { Command } from "./command.ts";
import { clause } from "./text-layout.ts";
import { topics } from "./topics.ts";

/** The commands by purpose. Commands without one come last. */
export const commandGroups: Readonly<Record<string, readonly string[]>> = {
	Record: ["record", "run", "browser"],
	Replay: ["replay-server", "replay-client"],
	Look: ["show", "view", "filter", "stats", "diff", "scan", "explain"],
	Change: ["rewrite", "convert", "export", "split", "prune"],
	"Set up": ["ca", "doctor", "completion"],
};

const WIDTH = 80;

/** The list of commands. */
export function usage(commands: readonly Command[]): string {
	const column = Math.max(...commands.map(({ name }) => name.length));
	const line = ({ name, summary }: Command) => `  ${name.padEnd(column)}  ${clause(summary, WIDTH - column - 4)}\n`;
	const grouped = new Set(Object.values(commandGroups).flat());
	const groups = {
		...Object.fromEntries(
			Object.entries(commandGroups).map(([title, names]) => [
				title,
				names.flatMap((name) => commands.filter((command) => command.name === name)),
			]),
		),
		More: commands.filter(({ name }) => !grouped.has(name)),
	};
	const list = Object.entries(groups).filter(([, members]) => members.length > 0);
	return `Record HTTP sessions to files, replay them offline, filter and rewrite them.

Usage: flowtape COMMAND [options] …

${list.map(([title, members]) => `${title}\n${members.map(line).join("")}`).join("")}
Examples:
  $ flowtape run session.tape -- npm test             record first, then replay
  $ flowtape record session.tape                      until Ctrl-C
  $ flowtape filter '~c 500 & ~m POST' session.tape   print what failed

A TAPE is a .tape, a mitmproxy dump (.mitm), a HAR (.har), JSON lines (.jsonl),
or - for stdio.
  flowtape COMMAND -h   help on one screen; --help: all options
  flowtape help TOPIC   ${Object.keys(topics).join(", ")}
  flowtape --version    the version
`;
}
