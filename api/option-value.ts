// Values of options as people write them, in a flag, behind --set, in the environment or in a configuration file.
import { FlowtapeError } from "../src/errors.ts";
import { expandHome, type OptionFunction, type OptionSpec } from "../src/options.ts";

export type OptionValue = boolean | string | number | null | readonly string[] | OptionFunction;

/**
 * The value that a text stands for. `undefined` is a name without a value, as in `--set anticache`.
 * @param where how the option was given, for messages
 * @throws FlowtapeError FT_BAD_OPTION
 */
export function parseValue(spec: OptionSpec, text: string | undefined, where: string): OptionValue {
	switch (spec.type) {
		case "boolean":
			return parseBoolean(text, where);
		case "integer":
			return text === undefined ? needed(where, "a number") : parseInteger(spec, text, where);
		case "size":
			return text === undefined ? needed(where, "a size") : parseSize(text, where);
		case "sequence":
			return text === undefined ? [] : [pathOr(spec, text)];
		case "function":
			throw bad(where, "a function was expected, which only a configuration file in JavaScript or TypeScript can give");
		case "string": {
			if (text === undefined) return spec.default === null ? null : needed(where, "a value");
			const { choices } = spec;
			if (choices !== undefined && !choices.includes(text)) throw bad(where, `${JSON.stringify(text)} is none of ${choices.join(", ")}`);
			return pathOr(spec, text);
		}
	}
}

/** What `metavar` says when the value is a path. */
const PATHS: ReadonlySet<string | undefined> = new Set(["FILE", "FOLDER", "PATH", "TAPE"]);

/** Whether an option's value is a path. */
export function isPath({ metavar }: OptionSpec): boolean {
	return PATHS.has(metavar);
}

function pathOr(spec: OptionSpec, text: string): string {
	return isPath(spec) ? expandHome(text) : text;
}

/** A value of a configuration file: its own type, or a text as on the command line. */
export function checkValue(spec: OptionSpec, value: unknown, where: string): OptionValue {
	if (value === null && "default" in spec && spec.default === null) return null;
	if (spec.type === "sequence") {
		const items: readonly unknown[] = Array.isArray(value) ? value : [value];
		const wrong = items.find((item) => typeof item !== "string");
		if (wrong !== undefined) throw bad(where, `a list of strings was expected, found ${JSON.stringify(wrong)}`);
		return (items as readonly string[]).map((item) => pathOr(spec, item));
	}
	if (spec.type === "function" && typeof value === "function") return value as OptionFunction;
	if (spec.type === "boolean" && typeof value === "boolean") return value;
	if ((spec.type === "integer" || spec.type === "size") && typeof value === "number") return parseValue(spec, String(value), where);
	if (typeof value === "string" || typeof value === "number") return parseValue(spec, String(value), where);
	throw bad(where, `a value of type ${spec.type} was expected, found ${JSON.stringify(value)}`);
}

function parseBoolean(text: string | undefined, where: string): boolean {
	if (text === undefined || text === "true") return true;
	if (text === "false") return false;
	throw bad(where, `${JSON.stringify(text)} is neither true nor false`);
}

function parseInteger(spec: OptionSpec & { type: "integer" }, text: string, where: string): number {
	const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = spec;
	const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
	if (!(value >= min && value <= max)) {
		const range = spec.min === undefined && spec.max === undefined ? "a whole number" : `a whole number from ${spec.min ?? "any"} to ${spec.max ?? "any"}`;
		throw bad(where, `${JSON.stringify(text)} is not ${range}`);
	}
	return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

function parseSize(text: string, where: string): number {
	const match = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text.trim());
	if (match === null) throw bad(where, `${JSON.stringify(text)} is no size; 512, 64k, 1.5m, 2g are`);
	return Math.floor(Number(match[1]) * (UNITS[(match[2] as string).toLowerCase()] as number));
}

function needed(where: string, what: string): never {
	throw bad(where, `${what} is needed`);
}

function bad(where: string, what: string): FlowtapeError {
	return new FlowtapeError("FT_BAD_OPTION", `${where}: ${what}`);
}
