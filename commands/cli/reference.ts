// Generates pages of the documentation from the code: options.md, errors.md and browser-noise.md.
import { errorCodes } from "../../src/errors.ts";
import { type NoiseRule, noiseRules } from "../../src/hooks/browser-noise/rules.ts";
import type { OptionSpec } from "../../src/options.ts";
import type { Command } from "./command.ts";
import { exitStatuses, exitStatusNote } from "./exit-statuses.ts";
import { valueWord } from "./help.ts";
import { groupsOf, OWN } from "./options.ts";
import { type Flag, Registry } from "./registry.ts";

/** An option, and its flags and defaults in different commands. */
interface Entry {
	name: string;
	spec: OptionSpec;
	/** Names of commands by flag. */
	flags: Map<string, string[]>;
	/** Names of commands by default value. */
	defaults: Map<string, string[]>;
}

/** A table of options. */
interface Section {
	title: string;
	/** Whether these are a command's own options, which it does not share with others. */
	isOwn: boolean;
	commands: Set<string>;
	entries: Map<string, Entry>;
}

const NOTICE = "<!-- Written by `npm run docs` from the code; changes are lost. -->\n";

const OPTIONS_HEAD = `${NOTICE}
# Options

Every option has a name. You can set it in each of these places, in order of precedence:

1. a flag: \`--listen-port 0\`, the name with dashes. \`--no-…\` turns off an option that is on by default.
2. \`--set NAME=VALUE\`: \`--set listen_port=0\`. A name without a value sets \`true\`, or clears an option that may be empty.
3. the environment: \`FLOWTAPE_LISTEN_PORT=0\`. A list has one item per line.
4. a configuration file: \`flowtape.config.ts\`, \`.js\`, \`.json\` or \`.yaml\` in the working folder, or the file given by \`--config FILE\`. It may contain options
   of several commands.

Every flag and every \`--set\` adds an item to a list. Sizes are in bytes, or have a unit: \`512\`, \`64k\`, \`1.5m\`, \`2g\`. In paths, \`~\` is the home folder.
A FILTER is a [filter expression](filters.md). The first character of a rule such as \`/FILTER/NAME/VALUE\` is the separator of its parts: \`|a|b\` is the same
rule as \`/a/b\`. With an invalid name or value, a command ends with exit status 2 before it does anything.
`;

/** docs/options.md: each command's own options, then options of several commands, then those of all. */
export async function optionsPage(commands: readonly Command[]): Promise<string> {
	const sections = new Map<string, Section>();
	for (const command of commands) {
		for (const group of await groupsOf(command)) {
			// own options are listed under the command's name, shared ones under their title in --help
			const isOwn = group.title === OWN;
			const title = isOwn ? `\`${command.name}\`` : group.title;
			const section = sections.get(title) ?? { title, isOwn, commands: new Set(), entries: new Map() };
			sections.set(title, section);
			section.commands.add(command.name);
			for (const flag of new Registry([group]).flags) addFlag(section.entries, command.name, flag);
		}
	}
	const filled = [...sections.values()].filter(({ entries }) => entries.size > 0);
	const rank = ({ isOwn, commands: { size } }: Section) => (isOwn ? 0 : size < commands.length ? 1 : 2);
	const sorted = filled.sort((a, b) => rank(a) - rank(b));
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
		(entry) =>
			`| \`${entry.name}\` | ${flagsText(entry)} | ${byCommand(entry.defaults, code)} | ${helpText(entry.spec)} |`,
	);
	return `## ${title}\n${users}\n| name | flag | default | |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

function flagsText({ spec, flags }: Entry): string {
	if (spec.type === "function") return "only in a configuration file";
	const value = spec.type === "boolean" ? "" : ` ${wordFor(spec)}`;
	const no = spec.type === "boolean" && spec.default ? "no-" : "";
	const short = spec.short === undefined ? "" : `${code(`-${spec.short}`)}, `;
	return `${short}${byCommand(flags, (flag) => code(`--${no}${flag}${value}`))}`;
}

function wordFor(spec: OptionSpec): string {
	const word = valueWord(spec);
	return spec.type === "string" && spec.choices === undefined && spec.implied !== undefined ? `[${word}]` : word;
}

function helpText({ help, deprecated, type }: OptionSpec): string {
	const kind = type === "sequence" ? " A list." : "";
	return `${cell(help)}${kind}${deprecated === undefined ? "" : ` Deprecated: ${cell(deprecated)}.`}`;
}

function shownDefault(spec: OptionSpec): string {
	if (spec.default === null || (spec.type === "sequence" && spec.default.length === 0)) return "";
	return String(spec.default);
}

/** The most frequent value, followed by the others with their commands. */
function byCommand(values: ReadonlyMap<string, readonly string[]>, show: (value: string) => string): string {
	const [usual, ...others] = [...values.keys()].sort(
		(a, b) => (values.get(b)?.length ?? 0) - (values.get(a)?.length ?? 0),
	);
	const rest = others.map((value) => `${show(value)} (${values.get(value)?.join(", ")})`);
	return [show(usual ?? ""), ...rest].filter((text) => text !== "").join(", ");
}

function code(text: string): string {
	return text === "" ? "" : `\`${cell(text)}\``;
}

/** Escapes pipes, which would end a cell even in code. */
function cell(text: string): string {
	return text.replaceAll("|", "\\|");
}

/** docs/errors.md */
export function errorsPage(): string {
	const statuses = exitStatuses.map(([status, meaning]) => `| ${status} | ${meaning} |`);
	const codes = Object.entries(errorCodes).map(
		([name, { status, meaning }]) => `| \`${name}\` | ${status} | ${meaning} |`,
	);
	return `${NOTICE}
# Errors and exit statuses

## Exit statuses

| status | means |
| --- | --- |
${statuses.join("\n")}

${exitStatusNote}

## Error codes

Programs that use flowtape as a library find the code in \`error.code\`, and the location, if known, in \`file\`, \`offset\`, \`record\`, \`column\` and \`option\`.
The command line ends with the exit status of the code.

| code | status | means |
| --- | --- | --- |
${codes.join("\n")}
`;
}

const NOISE_HEAD = `${NOTICE}
# Requests that browsers make by themselves

Chromium, Chrome, Edge and Firefox ask for updates, test for captive portals and fetch icons, regardless of the open page. \`record\`,
\`replay-server\` and \`run\` answer the requests in this table with answers that these browsers accept. Such requests reach no server, are not recorded,
and are not misses; the last line of a run counts them as \`browser noise\`. The answer is given only if the User-Agent is that of a browser, after proxy
authentication, and not by a reverse proxy. A favicon that a page's own script fetches is treated like any other request.

\`--browser-noise record\` treats all of these like other requests.

A path with \`…\` at its end stands for all paths that begin with it.
`;

/** docs/browser-noise.md: the table of requests that browsers make by themselves, and their answers. */
export function browserNoisePage(): string {
	const row = ({ host, path, status, type, body, purpose }: NoiseRule) => {
		const answer = body ? `${status}, ${type}: \`${body.trimEnd()}\`` : String(status);
		return `| ${host ?? "any"} | \`${path}${host === null ? "" : "…"}\` | ${answer} | ${purpose} |`;
	};
	return [NOISE_HEAD, "| host | path | answer | for |", "| --- | --- | --- | --- |", ...noiseRules.map(row), ""].join(
		"\n",
	);
}
