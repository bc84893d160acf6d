// Options as programs give them: some of a table's, in camelCase. Defaults, checks and types are those of the table that the flags come from.
import { FlowtapeError } from "../src/errors.ts";
import { defaults, type OptionFunction, type OptionSpec, type OptionTable, type OptionValues } from "../src/options.ts";
import { checkValue } from "./option-value.ts";
import { didYouMean } from "./suggest.ts";

/** `listenPort` for `listen_port`. */
export type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}` ? `${First}${Capitalize<CamelCase<Rest>>}` : Name;

type Unprefixed<Name extends string, Prefix extends string> = Name extends `${Prefix}${infer Rest}` ? Rest : Name;

/** A value of an option: one of its choices where it has some; a size in bytes, or as text such as `64k`; null where that is its default. */
type GivenValue<S extends OptionSpec> = S extends { type: "boolean" }
	? boolean
	: S extends { type: "function" }
		? OptionFunction | null
		: S extends { type: "sequence" }
			? readonly string[] | string
			: TextOrNumber<S> | NullOf<S>;

type TextOrNumber<S extends OptionSpec> = S extends { choices: readonly (infer Choice)[] }
	? Choice | NumberIn<Choice>
	: S extends { type: "string" }
		? string
		: S extends { type: "size" }
			? number | string
			: number;

/** A status is as good as its digits. */
type NumberIn<Choice> = Choice extends `${infer Digits extends number}` ? Digits : never;

type NullOf<S extends OptionSpec> = S extends { default: null } ? null : never;

/** Some options of a table, by their names in camelCase, without `Prefix`. Those that are deprecated are left out. */
export type GivenOptions<T extends OptionTable, Prefix extends string = ""> = {
	readonly [Name in keyof T & string as T[Name] extends { deprecated: string } ? never : CamelCase<Unprefixed<Name, Prefix>>]?: GivenValue<T[Name]> | undefined;
};

export interface OptionContext<Prefix extends string> {
	/** Names the function in errors. */
	verb: string;
	/** Left out of the names: `server_replay_` makes `reuse` of `server_replay_reuse`. */
	prefix?: Prefix;
	/** Other names that the function takes, for suggestions. */
	others?: readonly string[];
}

/**
 * Every value of a table, by its name in snake_case: what is given, else the default.
 * @throws FlowtapeError FT_BAD_OPTION for a name that is no option, with the nearest one, and for a value that does not fit
 */
export function optionValues<const T extends OptionTable, Prefix extends string = "">(
	table: T,
	given: GivenOptions<T, Prefix>,
	{ verb, prefix, others = [] }: OptionContext<Prefix>,
): OptionValues<T> {
	const names = new Map(
		Object.entries(table)
			.filter(([, { deprecated }]) => deprecated === undefined)
			.map(([name]) => [camelCase(name.startsWith(prefix ?? "") ? name.slice(prefix?.length ?? 0) : name), name]),
	);
	const values: Record<string, unknown> = defaults(table);
	for (const [key, value] of Object.entries(given)) {
		if (value === undefined) continue;
		const name = names.get(key);
		const spec = name === undefined ? undefined : table[name];
		if (name === undefined || spec === undefined)
			throw new FlowtapeError("FT_BAD_OPTION", `${verb}: "${key}" is not an option.${didYouMean(key, [...others, ...names.keys()])}`);
		values[name] = checkValue(spec, value, `${verb}: ${key}`);
	}
	return values as OptionValues<T>;
}

/** `listenPort` for `listen_port`. */
export function camelCase(name: string): string {
	return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
