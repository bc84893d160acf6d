// The list of commands names each with its arguments, in columns.
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import { usage } from "../../../commands/cli/usage.ts";

const named = (name: string, args: string, summary: string): Command =>
	defineCommand({ name, args, summary, arity: { min: 0 }, options: {}, examples: [], run: async () => 0 });

t.test("every command stands in the list", async (t) => {
	const text = usage([named("record", "TAPE", "record things"), named("ca", "create|export", "make one")]);
	t.match(text, "\nCommands:\n  record TAPE       record things\n  ca create|export  make one\n\n");
	t.match(text, /\nUsage: flowtape COMMAND \[options\] …\n/);
	for (const line of text.split("\n")) t.ok(line.length <= 100, line);
});
