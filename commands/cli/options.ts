// Parses a command's arguments and formats its help. Only this file uses commander.
import type * as commander from "commander";
import { readConfiguration } from "../../api/configuration.ts";
import type { OptionValue } from "../../api/option-value.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { lazily } from "../../src/lazy.ts";
import { defaults, expandHome, kebab, type OptionSpec } from "../../src/options.ts";
import type { ScriptHost } from "../../src/scripts/script-host.ts";
import { didYouMean } from "../../src/suggest.ts";
import { type Command, type CommonValues, commonOptions, type OptionGroup } from "./command.ts";
import { type Flag, type GivenValues, Registry } from "./registry.ts";

// loaded by require, because importing this CommonJS package takes 2 ms more
const { Command: Commander, CommanderError, Option } = lazily<typeof commander>("commander")();

/** The title of a command's own options. */
export const OWN = "Options";
/** The title of the options of every command. */
export const COMMON = "Common options";

/** The text that the user asked for instead of running the command. */
export type InfoText = "brief help" | "full help" | "version";

/** The parsed command line, or the text to print instead of running the command. */
export interface Parsed {
	args: readonly string[];
	/** The values of all options of the command. */
	values: CommonValues & Readonly<Record<string, OptionValue>>;
	/** Warnings about deprecated names. */
	warnings: readonly string[];
	/** How each option was given, for errors about its value. */
	sources: ReadonlyMap<string, string>;
	/** The scripts, which are loaded here because they can declare options. */
	scripts: ScriptHost | null;
	/** The text to print instead of running the command; null: none. */
	info: InfoText | null;
}

/**
 * Parses a command's arguments, and reads the environment and the configuration file.
 * @param all loads all commands, whose options a configuration file may hold
 * @throws FlowtapeError FT_USAGE, FT_BAD_OPTION, FT_NOT_FOUND, FT_SCRIPT
 */
export async function parseArguments(
	command: Command,
	argv: readonly string[],
	env: NodeJS.ProcessEnv,
	all: () => Promise<readonly Command[]>,
): Promise<Parsed> {
	const registry = new Registry(await groupsOf(command));
	const commander = commanderOf(command, registry);
	const info = parse(commander, argv);
	const { sources } = registry;
	if (info !== null) return { args: [], values: defaults(commonOptions), warnings: [], sources, scripts: null, info };
	const flags = commander.opts<{ set?: string[]; [attribute: string]: unknown }>();
	const given: GivenValues = new Map();
	registry.readFlags((flag) => flags[camel(flag)], given, argv);
	const unknown = registry.readAssignments(flags.set ?? [], given);
	registry.readEnvironment(env, given);
	const configuration = await readConfiguration(given.get("config")?.toString() ?? null);
	registry.readConfiguration(configuration, given);
	const scripts = await loadScripts(given);
	if (scripts === null) registry.rejectUnknown(unknown);
	else {
		// scripts can declare options
		registry.addGroup({ title: "Options of scripts", table: scripts.options });
		registry.rejectUnknown(registry.readAssignments(unknown, given));
		registry.readEnvironment(env, given);
		registry.readConfiguration(configuration, given);
	}
	if (registry.unknownKeys.length > 0) await checkNames(configuration.file, registry.unknownKeys, await all());
	return {
		args: commander.args,
		values: { ...defaults(commonOptions), ...registry.complete(given) },
		warnings: registry.warnings,
		sources,
		scripts,
		info: null,
	};
}

/** @throws FlowtapeError FT_NOT_FOUND, FT_SCRIPT */
async function loadScripts(given: GivenValues): Promise<ScriptHost | null> {
	const files = given.get("scripts");
	if (!Array.isArray(files) || files.length === 0) return null;
	const { ScriptHost } = await import("../../src/scripts/script-host.ts");
	return ScriptHost.load(files.map((file: string) => expandHome(file)));
}

/**
 * Whether a command accepts these arguments, as far as the arguments alone can tell. Files, the environment and scripts
 * are not read.
 */
export async function checkUsage(command: Command, argv: readonly string[]): Promise<boolean> {
	const registry = new Registry(await groupsOf(command));
	const commander = commanderOf(command, registry);
	const given: GivenValues = new Map();
	try {
		if (parse(commander, argv) !== null) return false;
		const flags = commander.opts<{ set?: string[]; [attribute: string]: unknown }>();
		registry.readFlags((flag) => flags[camel(flag)], given);
		registry.rejectUnknown(registry.readAssignments(flags.set ?? [], given));
		return true;
	} catch (error) {
		if (error instanceof FlowtapeError) return false;
		throw error;
	}
}

/** The flag for an option of a command, without dashes. */
export async function flagOf(command: Command, option: string): Promise<string> {
	return (await flagsOf(command)).find(({ name }) => name === option)?.flag ?? kebab(option);
}

/** A command's own options, those of its groups, and the common ones. */
export async function groupsOf(command: Command): Promise<readonly OptionGroup[]> {
	return [
		{ title: OWN, table: command.options },
		...((await command.groups?.()) ?? []),
		{ title: COMMON, table: commonOptions },
	];
}

/** The flags of a command. */
export async function flagsOf(command: Command): Promise<readonly Flag[]> {
	return new Registry(await groupsOf(command)).flags;
}

/** Whether help and completion show an option. */
export function isShown({ type, hidden, deprecated }: OptionSpec): boolean {
	return hidden !== true && deprecated === undefined && type !== "function";
}

/** Whether an option is on by default, so that its `--no-` flag is shown. */
export function isOn(spec: OptionSpec): boolean {
	return spec.type === "boolean" && spec.default;
}

/** The arguments of a command, for usage lines. */
export function argumentsOf({ args, takesChild }: Command): string {
	return `${args}${takesChild ? " [-- CMD…]" : ""}`;
}

/**
 * Checks that unknown names in the configuration file are options of other commands.
 * @throws FlowtapeError FT_BAD_OPTION
 */
async function checkNames(file: string, names: readonly string[], commands: readonly Command[]): Promise<void> {
	const registries = await Promise.all(commands.map(async (command) => new Registry(await groupsOf(command))));
	const known = new Set(registries.flatMap((registry) => [...registry.names]));
	for (const name of names)
		if (!known.has(name))
			throw new FlowtapeError("FT_BAD_OPTION", `${file}: ${name}: no such option.${didYouMean(name, known)}`, { file });
}

/**
 * Parses without exiting or printing. Returns the text that the user asked for instead of running the command,
 * otherwise null.
 */
function parse(commander: commander.Command, argv: readonly string[]): InfoText | null {
	commander.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
	try {
		commander.parse([...argv], { from: "user" });
		return null;
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.code === "commander.version") return "version";
		if (error.code === "commander.helpDisplayed") return argv.includes("--help") ? "full help" : "brief help";
		// the message begins with "error: ", and has a suggestion on a second line
		throw new FlowtapeError(
			"FT_USAGE",
			`${commander.name()}: ${error.message.replace(/^error: /, "").replaceAll("\n", " ")}`,
		);
	}
}

function commanderOf(command: Command, registry: Registry): commander.Command {
	const { min, max } = command.arity;
	const expected = argumentsOf(command);
	const commander = new Commander(command.name)
		.argument("[args...]")
		.version("", "-V, --version")
		.helpOption("-h, --help")
		// help.ts has the text
		.configureHelp({ formatHelp: () => "" })
		.action((args: string[]) => {
			if (args.length < min || (max !== undefined && args.length > max))
				throw new FlowtapeError(
					"FT_USAGE",
					`${command.name}: expected flowtape ${command.name} ${expected}, found ${args.length} argument${args.length === 1 ? "" : "s"}`,
				);
		});
	for (const { flag, spec } of registry.flags)
		for (const option of flagOptions(flag, spec)) commander.addOption(option);
	commander.addOption(
		new Option("--set <name=value>").argParser((text, list: string[] | undefined) => [...(list ?? []), text]),
	);
	return commander;
}

/** The flags of one option. A boolean has two. */
function flagOptions(flag: string, spec: OptionSpec): commander.Option[] {
	const short = spec.short === undefined ? "" : `-${spec.short}, `;
	// functions can be given only in configuration files
	if (spec.type === "function") return [];
	// commander suggests only visible options
	const make = (flags: string, shown = true) => new Option(flags).hideHelp(!shown || !isShown(spec));
	if (spec.type === "boolean") return [make(`${short}--${flag}`, !spec.default), make(`--no-${flag}`, spec.default)];
	const implied = spec.type === "string" ? spec.implied : undefined;
	const metavar = spec.metavar ?? "value";
	const option = make(`${short}--${flag} ${implied === undefined ? `<${metavar}>` : `[${metavar}]`}`);
	if (implied !== undefined) option.preset(implied);
	if (spec.type === "sequence") option.argParser((text, list: string[] | undefined) => [...(list ?? []), text]);
	return [option];
}

/** The name under which commander stores a flag's value. */
function camel(flag: string): string {
	return flag.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
