// From option tables to flags, and from flags, --set, environment and configuration file to values. A door to commander.
import { Command as Commander, CommanderError, Option } from "commander";
import { FlowtapeError } from "../src/errors.ts";
import type { OptionSpec, OptionTable } from "../src/options.ts";
import type { Command, OptionGroup } from "./command.ts";
import { readConfiguration } from "./configuration.ts";
import { checkValue, type OptionValue, parseValue } from "./option-value.ts";
import { didYouMean } from "./suggest.ts";

/** Options of every command. */
export const commonOptions = {
	quiet: { type: "boolean", default: false, short: "q", help: "Say nothing but errors and results." },
	verbose: { type: "boolean", default: false, short: "v", help: "Say more." },
	color: { type: "boolean", default: true, help: "Colours where the output is a terminal; NO_COLOR turns them off too." },
	debug: { type: "boolean", default: false, help: "Print the stack of an error." },
	config: {
		type: "string",
		default: null,
		metavar: "FILE",
		help: "Read options from this file; default: flowtape.config.{ts,js,json,yaml} where it is there.",
	},
} as const satisfies OptionTable;

/** What the command line says, before anything is looked up elsewhere. */
export interface Parsed {
	args: readonly string[];
	values: Record<string, OptionValue>;
	/** Deprecated names that were used, each with what to say. */
	warnings: readonly string[];
	/** Set when the user asked for help: the text. */
	help: string | null;
}

type Given = Map<string, OptionValue>;

/**
 * Reads a command's arguments.
 * @throws FlowtapeError FT_USAGE, FT_BAD_OPTION
 */
export async function parseArguments(
	command: Command,
	argv: readonly string[],
	env: NodeJS.ProcessEnv,
	all: () => Promise<readonly Command[]>,
): Promise<Parsed> {
	const groups = await groupsOf(command);
	const registry = new Registry(groups);
	const commander = commanderOf(command, registry);
	const help = parse(commander, argv);
	if (help !== null) return { args: [], values: {}, warnings: [], help };
	const flags = commander.opts<{ set?: string[]; [attribute: string]: unknown }>();
	const given: Given = new Map();
	registry.readFlags(flags, given);
	registry.readAssignments(flags.set ?? [], given);
	registry.readEnvironment(env, given);
	const configuration = await readConfiguration(given.get("config")?.toString() ?? null);
	registry.readConfiguration(configuration, given);
	if (registry.foreign.length > 0) await checkNames(configuration.file, registry.foreign, await all());
	return { args: commander.args, values: registry.complete(given), warnings: registry.warnings, help: null };
}

/** A command's own options, those of its features, and those of every command. */
export async function groupsOf(command: Command): Promise<readonly OptionGroup[]> {
	return [{ title: "Options", table: command.options }, ...((await command.groups?.()) ?? []), { title: "Common options", table: commonOptions }];
}

/** The flags of a command that --help shows, without their dashes. */
export async function flagsOf(command: Command): Promise<{ flag: string; help: string }[]> {
	const { flags } = new Registry(await groupsOf(command));
	return flags
		.filter(({ spec }) => !spec.hidden && spec.deprecated === undefined)
		.map(({ flag, spec }) => ({ flag: spec.type === "boolean" && spec.default ? `no-${flag}` : flag, help: spec.help }));
}

/** One configuration file serves all commands: what this one does not have must be an option of another. */
async function checkNames(file: string, names: readonly string[], commands: readonly Command[]): Promise<void> {
	const registries = await Promise.all(commands.map(async (command) => new Registry(await groupsOf(command))));
	const known = new Set(registries.flatMap((registry) => [...registry.names]));
	for (const name of names)
		if (!known.has(name)) throw new FlowtapeError("FT_BAD_OPTION", `${file}: ${name}: no such option.${didYouMean(name, known)}`, { file });
}

/** Parses without exiting or printing; the help text when it was asked for. */
function parse(commander: Commander, argv: readonly string[]): string | null {
	let help = "";
	commander.exitOverride().configureOutput({ writeOut: (text) => (help += text), writeErr: () => {}, getOutHelpWidth: () => 100 });
	try {
		commander.parse([...argv], { from: "user" });
		return null;
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.code === "commander.helpDisplayed" || error.code === "commander.help") return help;
		// its message begins with "error: ", and a suggestion stands on a line of its own
		throw new FlowtapeError("FT_USAGE", `${commander.name()}: ${error.message.replace(/^error: /, "").replaceAll("\n", " ")}`);
	}
}

function commanderOf(command: Command, registry: Registry): Commander {
	const { min, max } = command.arity;
	const commander = new Commander(`flowtape ${command.name}`)
		.usage(`[options] ${command.args}${command.takesChild ? " [-- CMD…]" : ""}`)
		.description(`${command.summary}.`)
		.argument("[args...]")
		.helpOption("-h, --help", "Print this.")
		.configureHelp({ visibleArguments: () => [] })
		.addHelpText("after", `\nExamples:\n${command.examples.map(([line, does]) => `  $ ${line}\n      ${does}\n`).join("")}`)
		.action((args: string[]) => {
			if (args.length < min || (max !== undefined && args.length > max))
				throw new FlowtapeError("FT_USAGE", `${command.name}: ${args.length} arguments, expected: flowtape ${command.name} ${command.args}`);
		});
	for (const { flag, spec, title } of registry.flags) for (const option of flagOptions(flag, spec, title)) commander.addOption(option);
	commander.addOption(
		new Option("--set <name=value>", "Set any option by its name; again for another, or to add to a list.")
			.argParser((text, list: string[] | undefined) => [...(list ?? []), text])
			.helpGroup("Common options:"),
	);
	return commander;
}

/** The flags of one option: two for a boolean, of which help shows the one that changes something. */
function flagOptions(flag: string, spec: OptionSpec, title: string): Option[] {
	const short = spec.short === undefined ? "" : `-${spec.short}, `;
	const help = `${spec.help}${shownDefault(spec)}`;
	const make = (flags: string, hidden: boolean) =>
		new Option(flags, help).hideHelp(hidden || spec.hidden === true || spec.deprecated !== undefined).helpGroup(`${title}:`);
	if (spec.type === "boolean") return [make(`${short}--${flag}`, spec.default), make(`--no-${flag}`, !spec.default)];
	const implied = spec.type === "string" ? spec.implied : undefined;
	const metavar = spec.metavar ?? "value";
	const option = make(`${short}--${flag} ${implied === undefined ? `<${metavar}>` : `[${metavar}]`}`, false);
	if (implied !== undefined) option.preset(implied);
	if (spec.type === "sequence") option.argParser((text, list: string[] | undefined) => [...(list ?? []), text]);
	return [option];
}

function shownDefault(spec: OptionSpec): string {
	if (spec.type === "boolean" || spec.type === "sequence" || spec.default === null || spec.default === "") return choicesOf(spec);
	return `${choicesOf(spec)} (default: ${spec.default})`;
}

function choicesOf(spec: OptionSpec): string {
	return spec.type === "string" && spec.choices !== undefined ? ` One of ${spec.choices.join(", ")}.` : "";
}

interface Flag {
	name: string;
	/** In kebab-case, without the dashes. */
	flag: string;
	spec: OptionSpec;
	title: string;
}

/** All options of one command, by every name that they go by. */
class Registry {
	readonly flags: readonly Flag[];
	readonly warnings: string[] = [];
	/** Keys of the configuration file that are not ours. */
	readonly foreign: string[] = [];
	readonly #specs = new Map<string, { name: string; spec: OptionSpec }>();

	constructor(groups: readonly OptionGroup[]) {
		this.flags = groups.flatMap(({ table, title, prefix = "" }) =>
			Object.entries(table).map(([name, spec]) => ({ name, flag: kebab(name.startsWith(prefix) ? name.slice(prefix.length) : name), spec, title })),
		);
		for (const { name, spec } of this.flags) {
			this.#specs.set(name, { name, spec });
			for (const alias of spec.aliases ?? []) this.#specs.set(alias, { name, spec });
		}
	}

	get names(): Iterable<string> {
		return this.#specs.keys();
	}

	readFlags(flags: Readonly<Record<string, unknown>>, given: Given): void {
		for (const { name, flag, spec } of this.flags) {
			const value = flags[camel(flag)];
			if (value === undefined) continue;
			this.#warnOf(name, spec);
			if (spec.type === "boolean" || spec.type === "sequence") given.set(name, value as OptionValue);
			else given.set(name, parseValue(spec, String(value), `--${flag}`));
		}
	}

	/** `--set NAME=VALUE`; a flag for the same option counts more, but both add to a list. */
	readAssignments(assignments: readonly string[], given: Given): void {
		const set: Given = new Map();
		for (const assignment of assignments) {
			const at = assignment.indexOf("=");
			const word = at === -1 ? assignment : assignment.slice(0, at);
			const { name, spec } = this.#find(word, `--set ${word}`);
			this.#warnOf(word, spec);
			const value = parseValue(spec, at === -1 ? undefined : assignment.slice(at + 1), `--set ${word}`);
			const before = set.get(name);
			set.set(name, Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value);
		}
		for (const [name, value] of set) {
			const flag = given.get(name);
			if (flag === undefined) given.set(name, value);
			else if (Array.isArray(flag) && Array.isArray(value)) given.set(name, [...flag, ...value]);
		}
	}

	/** `FLOWTAPE_LISTEN_PORT` and the like; a list has one item a line. */
	readEnvironment(env: NodeJS.ProcessEnv, given: Given): void {
		for (const { name, spec } of this.flags) {
			const variable = `FLOWTAPE_${name.toUpperCase()}`;
			const text = env[variable];
			if (text === undefined || given.has(name)) continue;
			given.set(name, spec.type === "sequence" ? text.split("\n").filter((line) => line !== "") : parseValue(spec, text, variable));
		}
	}

	readConfiguration({ file, values }: { file: string; values: Readonly<Record<string, unknown>> }, given: Given): void {
		for (const [key, value] of Object.entries(values)) {
			const found = this.#specs.get(key.replaceAll("-", "_"));
			if (found === undefined) this.foreign.push(key);
			if (found === undefined || given.has(found.name)) continue;
			given.set(found.name, checkValue(found.spec, value, `${file}: ${key}`));
		}
	}

	complete(given: Given): Record<string, OptionValue> {
		return Object.fromEntries(this.flags.map(({ name, spec }) => [name, given.get(name) ?? spec.default]));
	}

	#find(word: string, where: string): { name: string; spec: OptionSpec } {
		const found = this.#specs.get(word.replaceAll("-", "_"));
		if (found === undefined) throw new FlowtapeError("FT_USAGE", `${where}: no such option.${didYouMean(word, this.#specs.keys())}`);
		return found;
	}

	#warnOf(word: string, { deprecated }: OptionSpec): void {
		if (deprecated !== undefined) this.warnings.push(`${word}: ${deprecated}`);
	}
}

function kebab(name: string): string {
	return name.replaceAll("_", "-");
}

/** As commander names the attribute of a flag. */
function camel(flag: string): string {
	return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
