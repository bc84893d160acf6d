// Parses and checks the values of options from flags, --set, the environment, configuration files and programs.
import { FlowtapeError } from "../src/errors.ts";
import { expandHome, type OptionFunction, type OptionSpec } from "../src/options.ts";

export type OptionValue = boolean | string | number | null | readonly string[] | OptionFunction;

/**
 * Parses the text of an option's value.
 * @param text undefined: the name was given without a value, as in `--set anticache`
 * @param where how the option was given, for error messages
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseValue(spec: OptionSpec, text: string | undefined, where: string): OptionValue {
	switch (spec.type) {
		case "boolean":
			return parseBoolean(text, where);
		case "integer":
			return text === undefined ? missingValue(where, "a number") : parseInteger(spec, text, where);
		case "size":
			return text === undefined ? missingValue(where, "a size") : parseSize(text, where);
		case "sequence":
			return text === undefined ? [] : [expandPath(spec, text)];
		case "function":
			throw badOption(
				where,
				"expected a function, which only a configuration file in JavaScript or TypeScript can hold",
			);
		case "string": {
			if (text === undefined) return spec.default === null ? null : missingValue(where, "a value");
			const { choices } = spec;
			if (choices !== undefined && !choices.includes(text))
				throw badOption(where, `expected one of ${choices.join(", ")}, found ${JSON.stringify(text)}`);
			return expandPath(spec, text);
		}
	}
}

/** The values of `metavar` that mark a path. */
const PATH_METAVARS: ReadonlySet<string | undefined> = new Set(["FILE", "FOLDER", "PATH", "TAPE"]);

/** Whether an option's value is a path. */
export function isPath({ metavar }: OptionSpec): boolean {
	return PATH_METAVARS.has(metavar);
}

function expandPath(spec: OptionSpec, text: string): string {
	return isPath(spec) ? expandHome(text) : text;
}

/**
 * Checks a value from a configuration file or a program. It must have the option's own type, or be text as on the
 * command line.
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function checkValue(spec: OptionSpec, value: unknown, where: string): OptionValue {
	if (value === null && "default" in spec && spec.default === null) return null;
	if (spec.type === "sequence") {
		const items: readonly unknown[] = Array.isArray(value) ? value : [value];
		const wrong = items.find((item) => typeof item !== "string");
		if (wrong !== undefined) throw badOption(where, `expected a list of strings, found ${JSON.stringify(wrong)}`);
		return (items as readonly string[]).map((item) => expandPath(spec, item));
	}
	if (spec.type === "function" && typeof value === "function") return value as OptionFunction;
	if (spec.type === "boolean" && typeof value === "boolean") return value;
	if ((spec.type === "integer" || spec.type === "size") && typeof value === "number")
		return parseValue(spec, String(value), where);
	if (typeof value === "string" || typeof value === "number") return parseValue(spec, String(value), where);
	throw badOption(where, `expected a value of type ${spec.type}, found ${JSON.stringify(value)}`);
}

function parseBoolean(text: string | undefined, where: string): boolean {
	if (text === undefined || text === "true") return true;
	if (text === "false") return false;
	throw badOption(where, `expected true or false, found ${JSON.stringify(text)}`);
}

function parseInteger(spec: OptionSpec & { type: "integer" }, text: string, where: string): number {
	const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec;
	const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
	if (!(value >= min && value <= max)) {
		const range =
			spec.min === undefined ? "" : spec.max === undefined ? ` of at least ${min}` : ` from ${min} to ${max}`;
		throw badOption(where, `expected a whole number${range}, found ${JSON.stringify(text)}`);
	}
	return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

function parseSize(text: string, where: string): number {
	const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text.trim());
	if (match === null)
		throw badOption(where, `expected a size such as 512, 64k, 1.5m or 2g, found ${JSON.stringify(text)}`);
	return Math.floor(Number(match[1]) * (UNITS[(match[2] as string).toLowerCase()] as number));
}

function missingValue(where: string, what: string): never {
	throw badOption(where, `expected ${what}, found none`);
}

function badOption(where: string, what: string): FlowtapeError {
	return new FlowtapeError("FT_BAD_OPTION", `${where}: ${what}`);
}
