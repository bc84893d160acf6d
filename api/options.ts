// Options of the library's functions: camelCase and all optional. Their defaults, checks and types come from the same
// tables as the flags.
import { defaults, type OptionFunction, type OptionSpec, type OptionTable, type OptionValues } from "../src/options.ts";
import { didYouMean } from "../src/suggest.ts";
import { unknownOption } from "./option-names.ts";
import { checkValue } from "./option-value.ts";

/** Converts a name: `listenPort` for `listen_port`. */
export type CamelCase<Name extends string> = Name extends `${infer First}_${infer Rest}`
	? `${First}${Capitalize<CamelCase<Rest>>}`
	: Name;

type Unprefixed<Name extends string, Prefix extends string> = Name extends `${Prefix}${infer Rest}` ? Rest : Name;

/**
 * The type of an option's value. An option with choices accepts these. A size is a number of bytes, or text such as
 * `64k`. An option with the default null accepts null too.
 */
type OptionInput<S extends OptionSpec> = S extends { type: "boolean" }
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

/** A choice that is a number, such as a status, may be given as a number. */
type NumberIn<Choice> = Choice extends `${infer Digits extends number}` ? Digits : never;

type NullOf<S extends OptionSpec> = S extends { default: null } ? null : never;

/** Names in a table, and the names that these options have for programs. */
type Renames = Readonly<Record<string, string>>;

/**
 * The options of a table, all optional, in camelCase and without `Prefix`, or by the names in `Renamed`. Deprecated
 * options are left out.
 */
export type PartialOptions<
	T extends OptionTable,
	Prefix extends string = "",
	Renamed extends Renames = Record<never, never>,
> = {
	readonly [Name in keyof T & string as T[Name] extends { deprecated: string }
		? never
		: Name extends keyof Renamed
			? Renamed[Name]
			: CamelCase<Unprefixed<Name, Prefix>>]?: OptionInput<T[Name]> | undefined;
};

export interface OptionContext<Prefix extends string, Renamed extends Renames> {
	/** The name of the function, for error messages. */
	verb: string;
	/** Prefix that is left out of the names: with `server_replay_`, `server_replay_reuse` is `reuse`. */
	prefix?: Prefix;
	/** Options of the table that have another name for programs. */
	renamed?: Renamed;
	/** The names of the function's options that are not in the table. Their values are ignored here. */
	others?: readonly string[];
	/** The values of options that are not given. Default: the defaults of the table. */
	base?: Readonly<Record<string, unknown>>;
}

/**
 * The value of every option of a table, by its name in snake_case: the given value, or the default.
 * @throws FlowtapeError FT_BAD_OPTION for an unknown name, with the nearest known one, and for an invalid value
 */
export function optionValues<
	const T extends OptionTable,
	Prefix extends string = "",
	const Renamed extends Renames = Record<never, never>,
>(
	table: T,
	given: PartialOptions<T, Prefix, Renamed>,
	{ verb, prefix, renamed, others = [], base = defaults(table) }: OptionContext<Prefix, Renamed>,
): OptionValues<T> {
	const unprefixed = (name: string) => (name.startsWith(prefix ?? "") ? name.slice(prefix?.length ?? 0) : name);
	const names = new Map(
		Object.entries(table)
			.filter(([, { deprecated }]) => deprecated === undefined)
			.map(([name]) => [renamed?.[name] ?? camelCase(unprefixed(name)), name]),
	);
	const values: Record<string, unknown> = { ...base };
	for (const [key, value] of Object.entries(given)) {
		if (value === undefined || others.includes(key)) continue;
		const name = names.get(key);
		const spec = name === undefined ? undefined : table[name];
		if (name === undefined || spec === undefined) {
			const [, known] = Object.entries(renamed ?? {}).find(([old]) => camelCase(old) === camelCase(key)) ?? [];
			throw unknownOption(verb, key, didYouMean(known ?? key, [...others, ...names.keys()]));
		}
		values[name] = checkValue(spec, value, `${verb}: ${key}`);
	}
	return values as OptionValues<T>;
}

/** Converts a name: `listenPort` for `listen_port`. */
export function camelCase(name: string): string {
	return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
