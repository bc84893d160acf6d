// The tables of other tools' options and commands name only options and commands that flowtape has.
import t from "tap";
import { foreignOptions, ParsedLine, settings, subcommands } from "../../../commands/cli/foreign-options.ts";
import { flagsOf } from "../../../commands/cli/options.ts";
import { commands, loadAll } from "../../../commands/list.ts";

const flags = (await Promise.all((await loadAll()).map(flagsOf))).flat();
/** The flags that some command has, and their short forms. */
const known = new Set(
	flags.flatMap(({ flag, name, spec }) => [
		`--${flag}`,
		`--${name.replaceAll("_", "-")}`,
		`--no-${flag}`,
		`-${spec.short}`,
	]),
);

t.test("each option becomes an option of flowtape, a part of the line, or a note", async (t) => {
	for (const [name, { effect }] of Object.entries(foreignOptions)) {
		const line = new ParsedLine();
		effect(line, "a:1");
		for (const [flag = ""] of line.options) t.ok(known.has(flag), `${name} becomes ${flag}`);
	}
	for (const [name, effect] of Object.entries(settings)) {
		const line = new ParsedLine();
		effect(line, "true");
		for (const [flag = ""] of line.options) t.ok(known.has(flag), `${name} becomes ${flag}`);
	}
});

t.test("each command of another tool becomes a command of flowtape", async (t) => {
	for (const [foreign, [command, ...added]] of Object.entries(subcommands)) {
		t.ok(Object.hasOwn(commands, command), `${foreign} becomes ${command}`);
		t.notOk(Object.hasOwn(commands, foreign), `${foreign} is not a command`);
		for (const word of added.filter((word) => word.startsWith("-"))) t.ok(known.has(word), word);
	}
});
