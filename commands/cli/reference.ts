// The pages of the documentation that are made of the code: the options of every command, and the errors with their exit statuses.
import { errorCodes } from "../../src/errors.ts";
import type { OptionSpec } from "../../src/options.ts";
import type { Command } from "./command.ts";
import { groupsOf } from "./options.ts";
import { type Flag, Registry } from "./registry.ts";

/** An option, and what differs between the commands that have it. */
interface Entry {
	name: string;
	spec: OptionSpec;
	/** Commands by the flag that they have for it. */
	flags: Map<string, string[]>;
	/** Commands by their default, as it is shown. */
	defaults: Map<string, string[]>;
}

/** Options that stand in one table. */
interface Section {
	title: string;
	/** A command's own options, not those that it shares with others. */
	isOwn: boolean;
	commands: Set<string>;
	entries: Map<string, Entry>;
}

const NOTICE = "<!-- Written by `npm run docs` from the code; changes are lost. -->\n";

const OPTIONS_HEAD = `${NOTICE}
# Options

Every option has a name. The same name is good in each of these places; where several say something, the first counts:

1. a flag: \`--listen-port 0\`, the name with dashes. What is on by default is turned off by \`--no-…\`.
2. \`--set NAME=VALUE\`: \`--set listen_port=0\`. A name alone is \`true\`, or nothing for what may be nothing.
3. the environment: \`FLOWTAPE_LISTEN_PORT=0\`. A list has one item a line.
4. a configuration file: \`flowtape.config.ts\`, \`.js\`, \`.json\` or \`.yaml\` in the working folder, or what \`--config FILE\` names. It may hold options of
   several commands.

A list takes an item for every flag and every \`--set\`, which add up. Sizes are bytes, or have a unit: \`512\`, \`64k\`, \`1.5m\`, \`2g\`. In paths \`~\` is the home
folder. A FILTER is a [filter expression](filters.md). A rule such as \`/FILTER/NAME/VALUE\` is cut at its first character, whichever it is: \`|a|b\` is the
same rule as \`/a/b\`. A wrong name or value ends a command with exit status 2 before it does anything.
`;

/** docs/options.md: each command's own options, then those that some share, then those of all. */
export async function optionsPage(commands: readonly Command[]): Promise<string> {
	const sections = new Map<string, Section>();
	for (const command of commands) {
		for (const group of await groupsOf(command)) {
			// a command's own options stand under its name, what commands share under the title that --help has for it
			const isOwn = group.title === "Options";
			const title = isOwn ? `\`${command.name}\`` : group.title;
			const section = sections.get(title) ?? { title, isOwn, commands: new Set(), entries: new Map() };
			sections.set(title, section);
			section.commands.add(command.name);
			for (const flag of new Registry([group]).flags) addFlag(section.entries, command.name, flag);
		}
	}
	const filled = [...sections.values()].filter(({ entries }) => entries.size > 0);
	const place = ({ isOwn, commands: { size } }: Section) => (isOwn ? 0 : size < commands.length ? 1 : 2);
	const sorted = filled.sort((a, b) => place(a) - place(b));
	return [OPTIONS_HEAD, ...sorted.map((section) => sectionText(section, commands.length))].join("\n");
}

function addFlag(entries: Map<string, Entry>, command: string, { name, flag, spec }: Flag): void {
	if (spec.hidden) return;
	const entry = entries.get(name) ?? { name, spec, flags: new Map(), defaults: new Map() };
	entries.set(name, entry);
	addTo(entry.flags, flag, command);
	addTo(entry.defaults, shownDefault(spec), command);
}

function addTo(map: Map<string, string[]>, key: string, command: string): void {
	map.set(key, [...(map.get(key) ?? []), command]);
}

function sectionText({ title, isOwn, commands, entries }: Section, all: number): string {
	const users = !isOwn && commands.size < all ? `\nOf ${[...commands].map((name) => `\`${name}\``).join(", ")}.\n` : "";
	const rows = [...entries.values()].map(
		(entry) => `| \`${entry.name}\` | ${flagsText(entry)} | ${byCommand(entry.defaults, code)} | ${helpText(entry.spec)} |`,
	);
	return `## ${title}\n${users}\n| name | flag | default | |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

function flagsText({ spec, flags }: Entry): string {
	if (spec.type === "function") return "in a program only";
	const value = spec.type === "boolean" ? "" : ` ${wordFor(spec)}`;
	const no = spec.type === "boolean" && spec.default ? "no-" : "";
	const short = spec.short === undefined ? "" : `${code(`-${spec.short}`)}, `;
	return `${short}${byCommand(flags, (flag) => code(`--${no}${flag}${value}`))}`;
}

function wordFor(spec: OptionSpec): string {
	if (spec.type === "string" && spec.choices !== undefined) return spec.choices.join("|");
	const word = spec.metavar ?? { boolean: "", string: "VALUE", integer: "N", size: "SIZE", sequence: "VALUE", function: "" }[spec.type];
	return spec.type === "string" && spec.implied !== undefined ? `[${word}]` : word;
}

function helpText({ help, deprecated, type }: OptionSpec): string {
	const kind = type === "sequence" ? " A list." : "";
	return `${cell(help)}${kind}${deprecated === undefined ? "" : ` Deprecated: ${cell(deprecated)}.`}`;
}

function shownDefault(spec: OptionSpec): string {
	if (spec.default === null || (spec.type === "sequence" && spec.default.length === 0)) return "";
	return String(spec.default);
}

/** The usual one, and behind it those of single commands. */
function byCommand(values: ReadonlyMap<string, readonly string[]>, show: (value: string) => string): string {
	const [usual, ...others] = [...values.keys()].sort((a, b) => (values.get(b)?.length ?? 0) - (values.get(a)?.length ?? 0));
	const rest = others.map((value) => `${show(value)} (${values.get(value)?.join(", ")})`);
	return [show(usual ?? ""), ...rest].filter((text) => text !== "").join(", ");
}

function code(text: string): string {
	return text === "" ? "" : `\`${cell(text)}\``;
}

/** A pipe would end a cell, in code too. */
function cell(text: string): string {
	return text.replaceAll("|", "\\|");
}

/** What a script can tell from how a command ended. */
const STATUSES: readonly (readonly [status: string, meaning: string])[] = [
	["0", "done"],
	["1", "ran, and the answer is no: no flow matched, tapes differ, requests were missed in a replay that was to fail for it"],
	["2", "a mistake in what was typed: an unknown option, a bad filter or pattern (with its column)"],
	["3", "bad input: not a tape, damaged, written by a newer version; says where, and what was kept"],
	["4", "the surroundings: a file that is not there, no permission, a full disk, a port that is taken"],
	["130, 143", "ended by SIGINT or SIGTERM before it was done; a proxy ends with 0, as that is how it is ended"],
	["the command's", "with `-- COMMAND`: the status that the command ended with, unless it is 0 and something above is not"],
];

/** docs/errors.md */
export function errorsPage(): string {
	const statuses = STATUSES.map(([status, meaning]) => `| ${status} | ${meaning} |`);
	const codes = Object.entries(errorCodes).map(([name, { status, meaning }]) => `| \`${name}\` | ${status} | ${meaning} |`);
	return `${NOTICE}
# Errors and exit statuses

## Exit statuses

| status | means |
| --- | --- |
${statuses.join("\n")}

A pipe that its reader closes, as \`head\` does, is success. Messages are on stderr; \`--debug\` adds the stack and the causes.

## Error codes

Programs that use flowtape as a library find the code in \`error.code\`, and what is known of the place in \`file\`, \`offset\`, \`record\`, \`column\` and \`option\`.
The command line ends with the status beside the code.

| code | status | means |
| --- | --- | --- |
${codes.join("\n")}
`;
}
