// The shape of an option's declaration, the type of the values that a table of them yields, and what all values that are paths have in common.
import { homedir } from "node:os";
import { join } from "node:path";

interface OptionBase {
	/** One sentence for --help and the reference. That of a boolean begins with a verb, so that "Do not" can stand before it. */
	help: string;
	/** Stands for the value in --help, such as FILTER. FILE, FOLDER, PATH and TAPE say that it is a path: see `expandHome`. */
	metavar?: string;
	/** Name of the flag, in kebab-case, where it is not the option's. */
	flag?: string;
	/** A single letter, without the dash. */
	short?: string;
	/** Old or foreign names that are accepted with a warning; the value is passed on. */
	aliases?: readonly string[];
	/** Says what to use instead; the option is accepted with this warning. */
	deprecated?: string;
	/** Kept out of --help; still accepted. */
	hidden?: boolean;
}

/** One option, declared beside the code that reads it. Names are mitmproxy's, in snake_case. */
export type OptionSpec =
	| (OptionBase & { type: "boolean"; default: boolean })
	| (OptionBase & {
			type: "string";
			default: string | null;
			choices?: readonly string[];
			/** The value of the flag when it is given without one. */
			implied?: string;
	  })
	| (OptionBase & { type: "integer"; default: number | null; min?: number; max?: number })
	/** A number of bytes; written as `10m`, `1.5k`, `64kb`. */
	| (OptionBase & { type: "size"; default: number | null })
	| (OptionBase & { type: "sequence"; default: readonly string[] })
	/** Can be set in a configuration file that is a program, and in programs. */
	| (OptionBase & { type: "function"; default: null });

export type OptionFunction = (...args: never[]) => unknown;

export type OptionTable = Readonly<Record<string, OptionSpec>>;

type ValueOf<S extends OptionSpec> = S extends { type: "boolean" }
	? boolean
	: S extends { type: "string" }
		? S extends { default: string }
			? string
			: string | null
		: S extends { type: "integer" | "size" }
			? S extends { default: number }
				? number
				: number | null
			: S extends { type: "function" }
				? OptionFunction | null
				: readonly string[];

/** The values of a table's options, as the code that declared them reads them. */
export type OptionValues<T extends OptionTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

/** Every option at its default. */
export function defaults<T extends OptionTable>(table: T): OptionValues<T> {
	return Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, spec.default])) as OptionValues<T>;
}

/** The flag of an option by its name. */
export function kebab(name: string): string {
	return name.replaceAll("_", "-");
}

/** A path as a shell takes it: `~` in front is the home folder. */
export function expandHome(path: string, home = homedir()): string {
	return /^~(?=[/\\]|$)/.test(path) ? join(home, path.slice(1)) : path;
}
