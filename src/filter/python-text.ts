// Formats values like Python's `str` and `repr`. Filters on metadata and DNS records search this text.
import { Float, isDictionary, type MetaValue } from "../flow/metadata.ts";

/** `str(value)`. */
export function pythonText(value: MetaValue): string {
	return typeof value === "string" ? value : pythonRepr(value);
}

/** `repr(value)`. */
export function pythonRepr(value: MetaValue): string {
	if (value === null) return "None";
	if (typeof value === "boolean") return value ? "True" : "False";
	if (typeof value === "number") return Number.isInteger(value) ? BigInt(value).toString() : reprFloat(value);
	if (typeof value === "bigint") return value.toString();
	if (typeof value === "string") return reprString(value);
	if (value instanceof Float) return reprFloat(value.value);
	if (value instanceof Uint8Array) return `b${quote(Buffer.from(value).latin1Slice(), /[^ -~]/g)}`;
	if (Array.isArray(value)) return `[${value.map(pythonRepr).join(", ")}]`;
	return isDictionary(value)
		? `{${Object.entries(value)
				.map(([key, item]) => `${reprString(key)}: ${pythonRepr(item)}`)
				.join(", ")}}`
		: "";
}

function reprFloat(value: number): string {
	if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
	if (Object.is(value, -0)) return "-0.0";
	const size = Math.abs(value);
	const shown =
		size !== 0 && (size >= 1e16 || size < 1e-4)
			? value.toExponential().replace(/e([+-])(\d)$/, "e$10$2")
			: String(value);
	return /[.e]/.test(shown) ? shown : `${shown}.0`;
}

function reprString(text: string): string {
	return quote(text, /(?! )[\p{C}\p{Z}]/gu);
}

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function quote(text: string, hidden: RegExp): string {
	const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
	const escaped = text.replace(/\\/g, "\\\\").replaceAll(mark, mark === "'" ? "\\'" : mark);
	return mark + escaped.replace(hidden, (char) => SHORT[char] ?? escapeOf(char.codePointAt(0) as number)) + mark;
}

function escapeOf(code: number): string {
	const [letter, length] = code < 0x100 ? ["x", 2] : code < 0x10000 ? ["u", 4] : ["U", 8];
	return `\\${letter}${code.toString(16).padStart(length as number, "0")}`;
}
