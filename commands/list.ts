// The list of commands.
import type { Command } from "./cli/command.ts";

/** Loaders by name, so that a command is loaded only when it is used. */
export const commands: Readonly<Record<string, () => Promise<Command>>> = {
	record: async () => (await import("./record.ts")).command,
	"replay-server": async () => (await import("./replay-server.ts")).command,
	"replay-client": async () => (await import("./replay-client.ts")).command,
	run: async () => (await import("./run.ts")).command,
	browser: async () => (await import("./browser.ts")).command,
	filter: async () => (await import("./filter.ts")).command,
	rewrite: async () => (await import("./rewrite.ts")).command,
	show: async () => (await import("./show.ts")).command,
	view: async () => (await import("./view.ts")).command,
	diff: async () => (await import("./diff.ts")).command,
	stats: async () => (await import("./stats.ts")).command,
	export: async () => (await import("./export.ts")).command,
	scan: async () => (await import("./scan.ts")).command,
	explain: async () => (await import("./explain.ts")).command,
	split: async () => (await import("./split.ts")).command,
	prune: async () => (await import("./prune.ts")).command,
	convert: async () => (await import("./convert.ts")).command,
	doctor: async () => (await import("./doctor.ts")).command,
	ca: async () => (await import("./ca.ts")).command,
	completion: async () => (await import("./completion.ts")).command,
};

/** Loads all commands, in the order of the list. */
export async function loadAll(): Promise<readonly Command[]> {
	return Promise.all(Object.values(commands).map((load) => load()));
}
