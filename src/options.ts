// Declarations of options, the type of their values, and the expansion of `~` in paths.
import { homedir } from "node:os";
import { join } from "node:path";

interface OptionBase {
	/**
	 * One sentence for --help and the reference. For a boolean it begins with a verb, so that "Do not" can precede it.
	 */
	help: string;
	/** Placeholder of the value in --help, such as FILTER. FILE, FOLDER, PATH and TAPE mark a path: see `expandHome`. */
	metavar?: string;
	/** Name of the flag, in kebab-case; default: the option's name. */
	flag?: string;
	/** A single letter, without the dash. */
	short?: string;
	/** Former names, or names in other programs, that are accepted with a warning. */
	aliases?: readonly string[];
	/** If set, the option is deprecated. This is the end of the warning about its use: it names what to use instead. */
	deprecated?: string;
	/** Not shown in --help; still accepted. */
	hidden?: boolean;
}

/** One option, declared beside the code that reads it. Names are mitmproxy's, in snake_case. */
export type OptionSpec =
	| (OptionBase & { type: "boolean"; default: boolean })
	| (OptionBase & {
			type: "string";
			default: string | null;
			choices?: readonly string[];
			/** The value if the flag is given without one. */
			implied?: string;
	  })
	| (OptionBase & { type: "integer"; default: number | null; min?: number; max?: number })
	/** A number of bytes; written as `10m`, `1.5k`, `64kb`. */
	| (OptionBase & { type: "size"; default: number | null })
	| (OptionBase & { type: "sequence"; default: readonly string[] })
	/** Can be set only by programs, and by configuration files that are programs. */
	| (OptionBase & { type: "function"; default: null });

export type OptionFunction = (...args: never[]) => unknown;

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** The union of the choices; `string` if the option has none. */
type TextOf<S extends OptionSpec> = S extends { choices: readonly (infer C extends string)[] } ? C : string;

type ValueOf<S extends OptionSpec> = S extends { type: "boolean" }
	? boolean
	: S extends { type: "string" }
		? TextOf<S> | (S extends { default: string } ? never : null)
		: S extends { type: "integer" | "size" }
			? S extends { default: number }
				? number
				: number | null
			: S extends { type: "function" }
				? OptionFunction | null
				: readonly string[];

/** The values of the options in a table, by option name. */
export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** The default value of every option in a table. */
export function defaults<T extends OptionTable>(table: T): OptionValues<T> {
	return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.default])) as OptionValues<T>;
}

/** An option's name in kebab-case: the default of its flag. */
export function kebab(name: string): string {
	return name.replaceAll("_", "-");
}

/** Replaces a leading `~` by the home folder, as shells do. */
export function expandHome(path: string, home = homedir()): string {
	return /^~(?=[/\\]|$)/.test(path) ? join(home, path.slice(1)) : path;
}
