// The texts of a command's help: one screen for -h, everything for --help.
import type { OptionSpec } from "../../src/options.ts";
import type { Command } from "./command.ts";
import { argumentsOf, COMMON, isOn, isShown } from "./options.ts";
import { briefGroups, byPurpose, type FlagGroup } from "./purposes.ts";
import type { Flag } from "./registry.ts";
import { clause, LEFT, tableText } from "./text-layout.ts";

/** The lines of -h are no longer than this. */
const SCREEN = 80;
const EXAMPLES = 3;

/** An option as help shows it. */
type Row = readonly [flags: string, help: string];

/** Options that commander itself handles. */
const builtIn: readonly Row[] = [
	["--set NAME=VALUE", "Set any option by its name. Can be repeated; values of a list add up."],
	["-V, --version", "Print the version."],
	["-h", "Print one screen of help."],
	["--help", "Print all options."],
];

/** One screen: usage, three examples, the options that matter most. */
export function briefHelp(command: Command, flags: readonly Flag[]): string {
	const rows = briefGroups(flags.filter(({ spec }) => isShown(spec))).map(({ title, flags }) => ({
		title,
		rows: flags.map((flag): Row => [flagText(flag, true), helpText(flag.spec)]),
	}));
	const width = Math.min(LEFT, Math.max(0, ...rows.flatMap(({ rows }) => rows.map(([left]) => left.length))));
	return [
		`Usage: flowtape ${command.name} [options] ${argumentsOf(command)}\n${sentence(clause(command.summary, SCREEN - 1))}\n`,
		`Examples:\n${examplesText(command.examples.slice(0, EXAMPLES))}`,
		...rows.map(({ title, rows }) => `${title}:\n${rows.map((row) => briefRow(row, width)).join("")}`),
		`Everything: flowtape ${command.name} --help\n`,
	].join("\n");
}

/** Everything, grouped by purpose, the common options last. */
export function fullHelp(command: Command, flags: readonly Flag[], width: number): string {
	const shown = flags.filter(({ spec }) => isShown(spec));
	const groups = byPurpose(shown.filter(({ title }) => title !== COMMON));
	const common = { title: COMMON, flags: shown.filter(({ title }) => title === COMMON) };
	return [
		`Usage: flowtape ${command.name} [options] ${argumentsOf(command)}\n`,
		`${sentence(command.summary)}\n`,
		`Examples:\n${examplesText(command.examples)}`,
		...groups.map((group) => groupText(group, [], width)),
		...(command.notes === undefined ? [] : [command.notes()]),
		groupText(common, builtIn, width),
	].join("\n");
}

function sentence(text: string): string {
	return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function examplesText(examples: Command["examples"]): string {
	return examples.map(([line, does]) => `  $ ${line}\n      ${does}\n`).join("");
}

function groupText({ title, flags }: FlagGroup, more: readonly Row[], width: number): string {
	const rows = [
		...flags.map((flag): Row => [flagText(flag, false), `${helpText(flag.spec)}${defaultText(flag.spec)}`]),
		...more,
	];
	return `${title}:\n${tableText(rows, width)}`;
}

function briefRow([left, help]: Row, width: number): string {
	return `  ${left.padEnd(width)}  ${clause(help, SCREEN - Math.max(width, left.length) - 4)}\n`;
}

/** The description of an option, or of its `--no-` flag if it is on by default. */
export function helpText(spec: OptionSpec): string {
	return isOn(spec) ? negated(spec.help) : spec.help;
}

function negated(help: string): string {
	return `Do not ${help.charAt(0).toLowerCase()}${help.slice(1)}`;
}

function flagText({ flag, spec }: Flag, isBrief: boolean): string {
	const short = spec.short === undefined || isOn(spec) ? "" : `-${spec.short}, `;
	if (spec.type === "boolean") return `${short}--${isOn(spec) ? "no-" : ""}${flag}`;
	const word = isBrief ? briefWord(spec) : valueWord(spec);
	return `${short}--${flag}${spec.type === "string" && spec.implied !== undefined ? `[=${word}]` : ` ${word}`}`;
}

/** The placeholder of an option's value: its choices if it has any. */
export function valueWord(spec: OptionSpec): string {
	if (spec.type === "string" && spec.choices !== undefined) return spec.choices.join("|");
	return (
		spec.metavar ??
		{ boolean: "", string: "VALUE", integer: "N", size: "SIZE", sequence: "VALUE", function: "" }[spec.type]
	);
}

/** A shorter placeholder for -h. */
function briefWord(spec: OptionSpec): string {
	const word = valueWord(spec);
	if (word.length <= LEFT / 2) return word;
	if (/^[/|]/.test(word)) return "RULE";
	return /^[A-Z]{2,}/.exec(spec.metavar ?? "")?.[0] ?? "VALUE";
}

function defaultText(spec: OptionSpec): string {
	if (spec.type === "boolean" || spec.type === "sequence" || spec.type === "function") return "";
	return spec.default === null || spec.default === "" ? "" : ` (default: ${spec.default})`;
}
