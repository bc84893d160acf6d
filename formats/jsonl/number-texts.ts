// Numbers in unknown keys of a line that JavaScript cannot represent, such as 2^53 + 1 or 1e400. They are kept as text,
// so that they are written unchanged.
import { type Json, KeptScalar } from "../fields.ts";
import type { LongTexts } from "../long-texts.ts";

/** The text of a JSON number in place of its value. Converted to JSON by itself, it becomes the nearest number. */
class NumberText extends KeptScalar {
	readonly text: string;

	constructor(text: string) {
		super();
		this.text = text;
	}

	get description(): string {
		return this.text;
	}

	toJSON(): number {
		return Number(this.text);
	}
}

/** Matches all such numbers, and some others: those with many digits or an exponent. */
const CANDIDATE = /[\d.]{16}|\d[eE]/;

/** Whether a line may contain such a number. */
export function mayHaveNumberTexts(line: Buffer): boolean {
	return CANDIDATE.test(line.latin1Slice());
}

/** The text of a number in place of its value if JavaScript cannot represent it; null if it can. */
export function numberText(text: string): NumberText | null {
	return CANDIDATE.test(text) && !isExact(text) ? new NumberText(text) : null;
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
