// What `flowtape --help` prints.
import type { Command } from "./command.ts";

/** The list of commands. */
export function usage(commands: readonly Command[]): string {
	const width = Math.max(...commands.map(({ name, args }) => name.length + args.length + 1));
	const lines = commands.map(({ name, args, summary }) => `  ${`${name} ${args}`.padEnd(width)}  ${summary}`);
	return `Record HTTP sessions to files, replay them offline, filter and rewrite what was recorded.

Usage: flowtape COMMAND [options] …

Commands:
${lines.join("\n")}

A TAPE is a .tape, a mitmproxy dump (.mitm), a HAR (.har), JSON lines (.jsonl), or - for stdio.

  flowtape help COMMAND   options of a command, with examples
  flowtape --version      the version

Examples:
  $ flowtape run session.tape -- npm test
      run the tests and record what they send; from then on, answer it from the tape
  $ flowtape record session.tape
      record what is sent through http://127.0.0.1:8080 until Ctrl-C
  $ flowtape replay-server session.tape
      answer it again from the tape, without a network
  $ flowtape filter '~c 500 & ~m POST' session.tape
      the POST requests that failed
`;
}
