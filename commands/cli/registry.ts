// The options of one command by all their names, and their values in order of precedence: flag, --set, environment,
// configuration file. Lists of flags and --set are concatenated.

import type { Configuration } from "../../api/configuration.ts";
import { checkValue, type OptionValue, parseValue } from "../../api/option-value.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { kebab, type OptionSpec } from "../../src/options.ts";
import { didYouMean } from "../../src/suggest.ts";
import type { OptionGroup } from "./command.ts";

/** An option as a flag. */
export interface Flag {
	/** In snake_case. */
	name: string;
	/** In kebab-case, without the dashes. */
	flag: string;
	spec: OptionSpec;
	/** The title of its group. */
	title: string;
}

/**
 * The values found so far, by option name. Sources are read in order of precedence, so the first value of an option
 * counts.
 */
export type GivenValues = Map<string, OptionValue>;

/** Other ways to write booleans in the environment. */
const SWITCHES: Readonly<Record<string, string>> = { "1": "true", "0": "false" };

export class Registry {
	flags: readonly Flag[] = [];
	/** How each option was given: `-f`, `--filter`, `--set filter`, a variable, or a file and its key. */
	readonly sources = new Map<string, string>();
	readonly #warnings = new Set<string>();
	/** Keys of the configuration file that are not options of this command. */
	unknownKeys: string[] = [];
	readonly #known = new Map<string, { name: string; spec: OptionSpec }>();

	constructor(groups: readonly OptionGroup[]) {
		for (const group of groups) this.addGroup(group);
	}

	addGroup({ table, title, prefix = "" }: OptionGroup): void {
		const flagOf = (name: string) => kebab(name.startsWith(prefix) ? name.slice(prefix.length) : name);
		// an option of several groups belongs to the first
		const unknown = Object.entries(table).filter(([name]) => !this.flags.some((flag) => flag.name === name));
		const added = unknown.map(([name, spec]) => ({ name, flag: spec.flag ?? flagOf(name), spec, title }));
		this.flags = [...this.flags, ...added];
		for (const { name, spec } of added) {
			for (const word of [name, ...(spec.aliases ?? [])]) this.#known.set(word, { name, spec });
		}
	}

	/** Warnings about deprecated options that were given, once each. */
	get warnings(): readonly string[] {
		return [...this.#warnings];
	}

	get names(): Iterable<string> {
		return this.#known.keys();
	}

	/**
	 * @param flagValue the value that commander has for a flag: boolean, string or strings; undefined if it was not given
	 * @param argv the words with the flags; errors name a flag as it was typed
	 */
	readFlags(flagValue: (flag: string) => unknown, given: GivenValues, argv: readonly string[] = []): void {
		for (const { name, flag, spec } of this.flags) {
			const value = flagValue(flag);
			if (value === undefined) continue;
			const where = this.#isShortTyped(flag, spec, argv) ? `-${spec.short}` : `--${flag}`;
			this.#warnOf(where, spec);
			this.#give(given, name, parseAll(spec, Array.isArray(value) ? value : [String(value)], where), where);
		}
	}

	/** Whether an option was typed only by its letter: `-f X`, `-fX`, or with switches before it: `-vf X`. */
	#isShortTyped(flag: string, { short }: OptionSpec, argv: readonly string[]): boolean {
		if (short === undefined || argv.some((word) => word === `--${flag}` || word.startsWith(`--${flag}=`))) return false;
		const isSwitch = (letter: string) =>
			this.flags.some(({ spec }) => spec.short === letter && spec.type === "boolean");
		return argv.some((word) => {
			const at = word.indexOf(short);
			return at > 0 && word.startsWith("-") && [...word.slice(1, at)].every(isSwitch);
		});
	}

	#give(given: GivenValues, name: string, value: OptionValue, where: string): void {
		given.set(name, value);
		if (!this.sources.has(name)) this.sources.set(name, where);
	}

	/** Reads assignments: each is `NAME=VALUE` or a name alone. Returns those with an unknown name. */
	readAssignments(assignments: readonly string[], given: GivenValues): string[] {
		const set: GivenValues = new Map();
		const words = new Map<string, string>();
		const unknown: string[] = [];
		for (const assignment of assignments) {
			const at = assignment.indexOf("=");
			const word = at === -1 ? assignment : assignment.slice(0, at);
			const found = this.#find(word, word);
			if (found === undefined) {
				unknown.push(assignment);
				continue;
			}
			const value = parseValue(found.spec, at === -1 ? undefined : assignment.slice(at + 1), `--set ${word}`);
			set.set(found.name, joined(set.get(found.name), value));
			words.set(found.name, word);
		}
		for (const [name, value] of set) {
			const flag = given.get(name);
			if (flag === undefined || Array.isArray(flag))
				this.#give(given, name, joined(flag, value), `--set ${words.get(name)}`);
		}
		return unknown;
	}

	/** @throws FlowtapeError FT_USAGE if there is an assignment with an unknown name */
	rejectUnknown([assignment]: readonly string[]): void {
		if (assignment === undefined) return;
		const word = assignment.split("=")[0] ?? "";
		throw new FlowtapeError("FT_USAGE", `--set ${word}: no such option.${didYouMean(word, this.names)}`);
	}

	/** Reads variables such as `FLOWTAPE_LISTEN_PORT`. A list has one item per line; an empty variable is ignored. */
	readEnvironment(env: NodeJS.ProcessEnv, given: GivenValues): void {
		for (const { name, spec } of this.flags) {
			const variable = `FLOWTAPE_${name.toUpperCase()}`;
			const text = env[variable]?.trim();
			if (!text || given.has(name)) continue;
			this.#warnOf(variable, spec);
			const texts =
				spec.type === "sequence" ? text.split(/[\r\n]+/) : [spec.type === "boolean" ? (SWITCHES[text] ?? text) : text];
			this.#give(given, name, parseAll(spec, texts, variable), variable);
		}
	}

	readConfiguration({ file, values }: Configuration, given: GivenValues): void {
		this.unknownKeys = [];
		for (const [key, value] of Object.entries(values)) {
			if (value === undefined) continue;
			const where = `${file}: ${key}`;
			const found = this.#find(key, where);
			if (found === undefined) this.unknownKeys.push(key);
			else if (!given.has(found.name)) this.#give(given, found.name, checkValue(found.spec, value, where), where);
		}
	}

	/** The values of all options: given values or defaults. */
	complete(given: GivenValues): Record<string, OptionValue> {
		return Object.fromEntries(
			this.flags.map(({ name, spec }) => [name, given.has(name) ? (given.get(name) as OptionValue) : spec.default]),
		);
	}

	/**
	 * The option with this name or alias. `where` is the source of the value, for the warning about a deprecated name.
	 */
	#find(word: string, where: string): { name: string; spec: OptionSpec } | undefined {
		const named = word.replaceAll("-", "_");
		const found = this.#known.get(named);
		if (found === undefined) return;
		if (named !== found.name) this.#warnings.add(`${where} is an old name: use ${found.name} instead`);
		this.#warnOf(where, found.spec);
		return found;
	}

	#warnOf(where: string, { deprecated }: OptionSpec): void {
		if (deprecated !== undefined) this.#warnings.add(`${where} is deprecated: ${deprecated}`);
	}
}

function parseAll(spec: OptionSpec, texts: readonly string[], where: string): OptionValue {
	return texts.map((text) => parseValue(spec, text, where)).reduce(joined);
}

/** Concatenates lists; for other types, the last value counts. */
function joined(before: OptionValue | undefined, value: OptionValue): OptionValue {
	return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}
