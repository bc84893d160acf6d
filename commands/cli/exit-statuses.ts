// The meanings of the exit statuses, for docs/errors.md and `flowtape help exit-status`.

export const exitStatuses: readonly (readonly [status: string, meaning: string])[] = [
	["0", "done"],
	[
		"1",
		"the answer is no: no flow matched, tapes differ, `replay-client` got no response, or --fail-on made the run fail (`run` fails on misses by default)",
	],
	["2", "a usage error: an unknown option, or an invalid filter or pattern; the message has its column"],
	["3", "bad input: not a tape, damaged, or written by a newer version; the message says where, and what was kept"],
	["4", "the environment: a missing file, no permission, a full disk, a port in use"],
	[
		"129, 130, 143",
		"ended by SIGHUP (a closed terminal), SIGINT or SIGTERM before it was done; a proxy is normally ended this way, so it ends with 0",
	],
	[
		"the command's",
		"with `-- CMD`: 1 if --fail-on made the run fail; otherwise the command's own status, or if that is 0, one of the above",
	],
];

/** Notes below the table. */
export const exitStatusNote =
	"If the reader closes a pipe early, as `head` does, the status is 0. Messages are on stderr; `--debug` adds the stack and the causes.";
