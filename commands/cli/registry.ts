// All options of one command by every name that they go by, and their values by where they were given: a flag counts more than --set, that
// more than the environment, that more than the configuration file. Lists of flags and --set add up.

import { checkValue, type OptionValue, parseValue } from "../../api/option-value.ts";
import { didYouMean } from "../../api/suggest.ts";
import { FlowtapeError } from "../../src/errors.ts";
import { kebab, type OptionSpec } from "../../src/options.ts";
import type { OptionGroup } from "./command.ts";
import type { Configuration } from "./configuration.ts";

/** An option as a flag. */
export interface Flag {
	/** In snake_case. */
	name: string;
	/** In kebab-case, without the dashes. */
	flag: string;
	spec: OptionSpec;
	/** Of the group of options in which it stands. */
	title: string;
}

/** What was given so far, by the option's name. The first to set a value has its way. */
export type Given = Map<string, OptionValue>;

/** What people write for booleans in the environment. */
const SWITCHES: Readonly<Record<string, string>> = { "1": "true", "0": "false" };

export class Registry {
	flags: readonly Flag[] = [];
	readonly #warnings = new Set<string>();
	/** Keys of the configuration file that are not ours. */
	foreign: string[] = [];
	readonly #known = new Map<string, { name: string; spec: OptionSpec }>();

	constructor(groups: readonly OptionGroup[]) {
		for (const group of groups) this.add(group);
	}

	add({ table, title, prefix = "" }: OptionGroup): void {
		const flagOf = (name: string) => kebab(name.startsWith(prefix) ? name.slice(prefix.length) : name);
		// an option that several groups share stands in the first
		const fresh = Object.entries(table).filter(([name]) => !this.flags.some((flag) => flag.name === name));
		const added = fresh.map(([name, spec]) => ({ name, flag: spec.flag ?? flagOf(name), spec, title }));
		this.flags = [...this.flags, ...added];
		for (const { name, spec } of added) {
			for (const word of [name, ...(spec.aliases ?? [])]) this.#known.set(word, { name, spec });
		}
	}

	/** About deprecated options that were given, once each. */
	get warnings(): readonly string[] {
		return [...this.#warnings];
	}

	get names(): Iterable<string> {
		return this.#known.keys();
	}

	/** @param said what commander has for a flag: true or false, a text, texts; undefined where it was not given */
	readFlags(said: (flag: string) => unknown, given: Given): void {
		for (const { name, flag, spec } of this.flags) {
			const value = said(flag);
			if (value === undefined) continue;
			this.#warnOf(`--${flag}`, spec);
			given.set(name, parseAll(spec, Array.isArray(value) ? value : [String(value)], `--${flag}`));
		}
	}

	/** `NAME=VALUE` each, or a name alone. Returns those that name no option. */
	readAssignments(assignments: readonly string[], given: Given): string[] {
		const set: Given = new Map();
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
		}
		for (const [name, value] of set) {
			const flag = given.get(name);
			if (flag === undefined || Array.isArray(flag)) given.set(name, joined(flag, value));
		}
		return unknown;
	}

	/** @throws FlowtapeError FT_USAGE when an assignment names no option */
	refuse([assignment]: readonly string[]): void {
		if (assignment === undefined) return;
		const word = assignment.split("=")[0] ?? "";
		throw new FlowtapeError("FT_USAGE", `--set ${word}: no such option.${didYouMean(word, this.names)}`);
	}

	/** `FLOWTAPE_LISTEN_PORT` and the like; a list has one item a line, and what is empty is not there. */
	readEnvironment(env: NodeJS.ProcessEnv, given: Given): void {
		for (const { name, spec } of this.flags) {
			const variable = `FLOWTAPE_${name.toUpperCase()}`;
			const text = env[variable]?.trim();
			if (!text || given.has(name)) continue;
			this.#warnOf(variable, spec);
			const texts = spec.type === "sequence" ? text.split(/[\r\n]+/) : [spec.type === "boolean" ? (SWITCHES[text] ?? text) : text];
			given.set(name, parseAll(spec, texts, variable));
		}
	}

	readConfiguration({ file, values }: Configuration, given: Given): void {
		this.foreign = [];
		for (const [key, value] of Object.entries(values)) {
			if (value === undefined) continue;
			const found = this.#find(key, `${file}: ${key}`);
			if (found === undefined) this.foreign.push(key);
			else if (!given.has(found.name)) given.set(found.name, checkValue(found.spec, value, `${file}: ${key}`));
		}
	}

	/** Every option's value, that of options that nobody gave at its default. */
	complete(given: Given): Record<string, OptionValue> {
		return Object.fromEntries(this.flags.map(({ name, spec }) => [name, given.has(name) ? (given.get(name) as OptionValue) : spec.default]));
	}

	/** The option that goes by a name. `where` is said in the warning about a name that should not be used any more. */
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

/** A list takes more items, anything else the last value. */
function joined(before: OptionValue | undefined, value: OptionValue): OptionValue {
	return Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}
