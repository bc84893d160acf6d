// Reads a command's arguments, and prints its help. The door to commander, which makes flags of the options.
import { createRequire } from "node:module";
import type * as commander from "commander";
import type { OptionValue } from "../../api/option-value.ts";
import { didYouMean } from "../../api/suggest.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { expandHome, kebab, type OptionSpec, type OptionTable } from "../../src/options.ts";
import type { ScriptHost } from "../../src/scripts/script-host.ts";
import type { Command, OptionGroup } from "./command.ts";
import { readConfiguration } from "./configuration.ts";
import { type Given, Registry } from "./registry.ts";

// as what it is, a module of CommonJS: loading it as one of ECMAScript takes two milliseconds more
const { Command: Commander, CommanderError, Option } = createRequire(import.meta.url)("commander") as typeof commander;

/** Options of every command. */
export const commonOptions = {
	quiet: { type: "boolean", default: false, short: "q", help: "Say nothing but errors and results; where a proxy listens is one, unless it runs a command." },
	verbose: { type: "boolean", default: false, short: "v", help: "Say more." },
	color: { type: "boolean", default: true, help: "Use colours where the output is a terminal; NO_COLOR in the environment turns them off too." },
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
	/** Loaded, because they can declare options. */
	scripts: ScriptHost | null;
	/** Set when the user asked for help or the version: the text. */
	help: string | null;
}

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
	const registry = new Registry(await groupsOf(command));
	const commander = commanderOf(command, registry);
	const help = parse(commander, argv);
	if (help !== null) return { args: [], values: {}, warnings: [], scripts: null, help };
	const flags = commander.opts<{ set?: string[]; [attribute: string]: unknown }>();
	const given: Given = new Map();
	registry.readFlags((flag) => flags[camel(flag)], given);
	const unknown = registry.readAssignments(flags.set ?? [], given);
	registry.readEnvironment(env, given);
	const configuration = await readConfiguration(given.get("config")?.toString() ?? null);
	registry.readConfiguration(configuration, given);
	const scripts = await loadScripts(given);
	if (scripts === null) registry.refuse(unknown);
	else {
		// they may have options of their own
		registry.add({ title: "Options of scripts", table: scripts.options });
		registry.refuse(registry.readAssignments(unknown, given));
		registry.readEnvironment(env, given);
		registry.readConfiguration(configuration, given);
	}
	if (registry.foreign.length > 0) await checkNames(configuration.file, registry.foreign, await all());
	return { args: commander.args, values: registry.complete(given), warnings: registry.warnings, scripts, help: null };
}

/** @throws FlowtapeError FT_NOT_FOUND, FT_SCRIPT */
async function loadScripts(given: Given): Promise<ScriptHost | null> {
	const files = given.get("scripts");
	if (!Array.isArray(files) || files.length === 0) return null;
	const { ScriptHost } = await import("../../src/scripts/script-host.ts");
	return ScriptHost.load(files.map((file: string) => expandHome(file)));
}

/** What people write for an option of a command, without the dashes. */
export async function flagOf(command: Command, option: string): Promise<string> {
	const { flags } = new Registry(await groupsOf(command));
	return flags.find(({ name }) => name === option)?.flag ?? kebab(option);
}

/** A command's own options, those of its features, and those of every command. */
export async function groupsOf(command: Command): Promise<readonly OptionGroup[]> {
	return [{ title: "Options", table: command.options }, ...((await command.groups?.()) ?? []), { title: "Common options", table: commonOptions }];
}

/** The flags of a command that --help shows, without their dashes. */
export async function flagsOf(command: Command): Promise<{ flag: string; help: string }[]> {
	const { flags } = new Registry(await groupsOf(command));
	return flags
		.filter(({ spec }) => isShown(spec))
		.map(({ flag, spec }) => (isOn(spec) ? { flag: `no-${flag}`, help: negated(spec.help) } : { flag, help: spec.help }));
}

function isShown({ type, hidden, deprecated }: OptionSpec): boolean {
	return hidden !== true && deprecated === undefined && type !== "function";
}

/** Whether an option is on by default: the flag that changes something is the one that turns it off. */
function isOn(spec: OptionSpec): boolean {
	return spec.type === "boolean" && spec.default;
}

function negated(help: string): string {
	return `Do not ${help.charAt(0).toLowerCase()}${help.slice(1)}`;
}

/** One configuration file serves all commands: what this one does not have must be an option of another. */
async function checkNames(file: string, names: readonly string[], commands: readonly Command[]): Promise<void> {
	const registries = await Promise.all(commands.map(async (command) => new Registry(await groupsOf(command))));
	const known = new Set(registries.flatMap((registry) => [...registry.names]));
	for (const name of names)
		if (!known.has(name)) throw new FlowtapeError("FT_BAD_OPTION", `${file}: ${name}: no such option.${didYouMean(name, known)}`, { file });
}

/** Parses without exiting or printing; the help text, or the version, when it was asked for. */
function parse(commander: commander.Command, argv: readonly string[]): string | null {
	let help = "";
	commander.exitOverride().configureOutput({ writeOut: (text) => (help += text), writeErr: () => {}, getOutHelpWidth: () => 100 });
	try {
		commander.parse([...argv], { from: "user" });
		return null;
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.code === "commander.helpDisplayed" || error.code === "commander.help" || error.code === "commander.version") return help;
		// its message begins with "error: ", and a suggestion stands on a line of its own
		throw new FlowtapeError("FT_USAGE", `${commander.name().replace(/^flowtape /, "")}: ${error.message.replace(/^error: /, "").replaceAll("\n", " ")}`);
	}
}

function commanderOf(command: Command, registry: Registry): commander.Command {
	const { min, max } = command.arity;
	const expected = `${command.args}${command.takesChild ? " [-- CMD…]" : ""}`;
	const commander = new Commander(`flowtape ${command.name}`)
		.usage(`[options] ${expected}`)
		.description(`${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`)
		.argument("[args...]")
		.optionsGroup("Common options:")
		.version(process.env.FLOWTAPE_VERSION ?? "0.0.0", "-V, --version", "Print the version.")
		.addHelpOption(new Option("-h, --help", "Print this.").helpGroup("Common options:"))
		.configureHelp({ visibleArguments: () => [], optionDescription: ({ description }) => description })
		.addHelpText(
			"after",
			() =>
				`${command.notes === undefined ? "" : `\n${command.notes()}`}\nExamples:\n${command.examples.map(([line, does]) => `  $ ${line}\n      ${does}\n`).join("")}`,
		)
		.action((args: string[]) => {
			if (args.length < min || (max !== undefined && args.length > max))
				throw new FlowtapeError(
					"FT_USAGE",
					`${command.name}: ${args.length} argument${args.length === 1 ? "" : "s"}, expected: flowtape ${command.name} ${expected}`,
				);
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
function flagOptions(flag: string, spec: OptionSpec, title: string): commander.Option[] {
	const short = spec.short === undefined ? "" : `-${spec.short}, `;
	// functions stand in configuration files only
	if (spec.type === "function") return [];
	const make = (flags: string, help: string, shown = true) => new Option(flags, help).hideHelp(!shown || !isShown(spec)).helpGroup(`${title}:`);
	if (spec.type === "boolean") return [make(`${short}--${flag}`, spec.help, !spec.default), make(`--no-${flag}`, negated(spec.help), spec.default)];
	const implied = spec.type === "string" ? spec.implied : undefined;
	const metavar = spec.metavar ?? "value";
	const option = make(`${short}--${flag} ${implied === undefined ? `<${metavar}>` : `[${metavar}]`}`, `${spec.help}${shownDefault(spec)}`);
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

/** As commander names the attribute of a flag. */
function camel(flag: string): string {
	return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
