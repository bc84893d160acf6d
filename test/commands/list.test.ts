// The list of commands, and the texts that help needs.
import t from "tap";
import { groupsOf } from "../../commands/cli/options.ts";
import { Registry } from "../../commands/cli/registry.ts";
import { commands, loadAll } from "../../commands/list.ts";

t.test("each command is listed under its name", async (t) => {
	t.same(
		(await loadAll()).map(({ name }) => name),
		Object.keys(commands),
	);
});

t.test("the names, flags and letters of a command's options are unique", async (t) => {
	for (const command of await loadAll()) {
		const { flags } = new Registry(await groupsOf(command));
		const shorts = flags.flatMap(({ spec }) => spec.short ?? []);
		for (const names of [flags.map(({ name }) => name), flags.map(({ flag }) => flag), [...shorts, "h"]])
			t.same(names, [...new Set(names)], command.name);
	}
});

t.test("texts of --help and the reference are sentences, with examples", async (t) => {
	for (const command of await loadAll()) {
		t.match(command.summary, /^[a-z].*[^.]$/, command.name);
		t.ok(command.examples.length > 0, command.name);
		for (const [line] of command.examples) t.ok(line.includes(`flowtape ${command.name}`), line);
		for (const { flag, spec } of new Registry(await groupsOf(command)).flags)
			t.match(spec.help, /^[A-Z].*\.$/s, `${command.name} --${flag}`);
	}
});
