// Numbers in unknown keys of a line that JavaScript cannot represent, such as 2^53 + 1 or 1e400. They are kept as text,
// so that they are written unchanged.
import { walkJson } from "../../src/json/walk.ts";
import type { Json } from "../fields.ts";
import type { LongTexts } from "../long-texts.ts";

/** The text of a JSON number in place of its value. Converted to JSON by itself, it becomes the nearest number. */
class NumberText {
	readonly text: string;

	constructor(text: string) {
		this.text = text;
	}

	toJSON(): number {
		return Number(this.text);
	}
}

/** Whether a text may contain such a number: it has many digits or an exponent. */
const CANDIDATE = /[\d.]{16}|\d[eE]/;

/**
 * Replaces the numbers that are not represented exactly by their text.
 * @param value the parsed `line`, which is changed
 * @param isUnknown whether a value at this path is in an unknown key; the others stay numbers
 * @returns whether any was replaced
 */
export function keepNumberTexts(value: Json, line: string, isUnknown: (path: readonly string[]) => boolean): boolean {
	if (!CANDIDATE.test(line)) return false;
	let isChanged = false;
	walkJson(line, (path, from, to) => {
		if (!/[-\d]/.test(line.charAt(from)) || !isUnknown(path)) return;
		const text = line.slice(from, to);
		if (isExact(text)) return;
		const parent = path.slice(0, -1).reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
		const key = path.at(-1) as string;
		// of equal keys, the last one counts
		if ((parent as Record<string, unknown>)[key] !== Number(text)) return;
		(parent as Record<string, unknown>)[key] = new NumberText(text);
		isChanged = true;
	});
	return isChanged;
}

/** The text of a number in place of its value if JavaScript cannot represent it; null if it can. */
export function numberText(text: string): Json | null {
	return CANDIDATE.test(text) && !isExact(text) ? (new NumberText(text) as unknown as Json) : null;
}

function isExact(text: string): boolean {
	const value = Number(text);
	return Number.isFinite(value) && canonical(String(value)) === canonical(text);
}

/** The digits of a number without zeros at either end, and its exponent. */
function canonical(number: string): string {
	const [, whole = "", fraction = "", exponent = "0"] = /^-?(\d+)(?:\.(\d+))?(?:e(.+))?$/i.exec(number) ?? [];
	const digits = (whole + fraction).replace(/^0+/, "");
	const bare = digits.replace(/0+$/, "");
	return bare === "" ? "0" : `${bare}e${Number(exponent) - fraction.length + digits.length - bare.length}`;
}

/** A value as JSON with its number texts as they were. */
export function withNumberTexts(value: unknown, long: LongTexts): Json {
	if (value instanceof NumberText) return long.addToken(value.text);
	if (Array.isArray(value)) return value.map((item) => withNumberTexts(item, long));
	if (typeof value !== "object" || value === null) return value as Json;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withNumberTexts(item, long)]));
}
