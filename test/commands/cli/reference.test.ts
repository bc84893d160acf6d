// The generated pages agree with the code: every option of every command, every error.
import { readFileSync } from "node:fs";
import t from "tap";
import { type Command, defineCommand } from "../../../commands/cli/command.ts";
import { flagsOf, isShown } from "../../../commands/cli/options.ts";
import { browserNoisePage, errorsPage, optionsPage } from "../../../commands/cli/reference.ts";
import { loadAll } from "../../../commands/list.ts";
import { errorCodes } from "../../../src/errors.ts";

t.test("docs/options.md and docs/errors.md are up to date (npm run docs writes them)", async (t) => {
	t.equal(readFileSync("docs/options.md", "utf8"), await optionsPage(await loadAll()));
	t.equal(readFileSync("docs/errors.md", "utf8"), errorsPage());
	t.equal(readFileSync("docs/browser-noise.md", "utf8"), browserNoisePage());
});

t.test("the pages contain every flag that help shows, and every error code", async (t) => {
	const page = await optionsPage(await loadAll());
	for (const command of await loadAll())
		for (const { flag, spec } of await flagsOf(command))
			if (isShown(spec)) t.match(page, new RegExp(`--(?:no-)?${flag}[\` ]`), `${command.name} --${flag}`);
	for (const code of Object.keys(errorCodes)) t.ok(errorsPage().includes(`| \`${code}\` |`), code);
});

t.test("a command's own options come first, then shared ones with their differences", async (t) => {
	const parts = { summary: "s", args: "", arity: { min: 0 }, examples: [], run: async () => 0 };
	const shared = (fallback: string, prefix: string) => async () => [
		{
			title: "Shared",
			prefix,
			table: {
				my_extra: { type: "string", default: fallback, choices: ["a", "b"], short: "e", help: "What | else." },
				my_old: { type: "boolean", default: true, deprecated: "leave it", help: "Do it." },
				my_list: { type: "sequence", default: [], metavar: "|X|", help: "Things." },
				my_time: { type: "string", default: null, implied: "now", help: "When." },
				my_size: { type: "size", default: null, help: "How much." },
				secret: { type: "boolean", default: false, hidden: true, help: "Nothing." },
			} as const,
		},
	];
	const one: Command = defineCommand({
		...parts,
		name: "one",
		options: { own: { type: "integer", default: 3, help: "Own." } },
		groups: shared("a", ""),
	});
	const two: Command = defineCommand({ ...parts, name: "two", options: {}, groups: shared("b", "my_") });
	const three: Command = defineCommand({ ...parts, name: "three", options: {} });
	const page = await optionsPage([one, two, three]);
	t.same(page.match(/^## .*$/gm), ["## `one`", "## Shared", "## Common options"]);
	t.match(page, "\nOf `one`, `two`.\n");
	for (const row of [
		"| `own` | `--own N` | `3` | Own. |",
		"| `my_extra` | `-e`, `--my-extra a\\|b`, `--extra a\\|b` (two) | `a`, `b` (two) | What \\| else. |",
		"| `my_old` | `--no-my-old`, `--no-old` (two) | `true` | Do it. Deprecated: leave it. |",
		"| `my_list` | `--my-list \\|X\\|`, `--list \\|X\\|` (two) |  | Things. A list. |",
		"| `my_time` | `--my-time [VALUE]`, `--time [VALUE]` (two) |  | When. |",
		"| `my_size` | `--my-size SIZE`, `--size SIZE` (two) |  | How much. |",
	])
		t.ok(page.includes(`${row}\n`), row);
	t.notMatch(page, "secret");
});
