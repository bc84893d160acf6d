// The list of commands fits on one screen, and is grouped by purpose.
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import { commandGroups, usage } from "../../../commands/cli/usage.ts";
import { commands, loadAll } from "../../../commands/list.ts";

const named = (name: string, summary: string): Command =>
	defineCommand({ name, args: "TAPE", summary, arity: { min: 0 }, options: {}, examples: [], run: async () => 0 });

t.test("commands are listed in their groups, and others after them", async (t) => {
	const text = usage([named("dance", "dance"), named("show", "show things"), named("record", "record things")]);
	t.match(text, "\nRecord\n  record  record things\nLook\n  show    show things\nMore\n  dance   dance\n\n");
	t.match(text, /\nUsage: flowtape COMMAND \[options\] …\n/);
});

t.test("all commands fit on one screen", async (t) => {
	const lines = usage(await loadAll())
		.trimEnd()
		.split("\n");
	t.ok(lines.length <= 40, `${lines.length} lines`);
	for (const line of lines) t.ok(line.length <= 80, line);
});

t.test("every command has a group", async (t) => {
	t.same(Object.values(commandGroups).flat().sort(), Object.keys(commands).sort());
});
