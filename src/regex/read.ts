// Reads the characters of a pattern and its lexical elements: escapes, repeat counts, character classes.
import { FlowtapeError } from "../errors.ts";
import type { ClassName, Range } from "./tree.ts";

/** Whether a pattern and its subjects are text or byte strings (one character per byte). */
export type RegexKind = "text" | "bytes";

const CONTROL: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92 };
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const REPEAT_LIMIT = 4294967295;

/** A class between `[` and `]`. */
export interface CharClass {
	readonly negated: boolean;
	readonly ranges: readonly Range[];
	readonly classes: readonly ClassName[];
}

/** Reads a pattern from left to right. Its errors are FlowtapeError FT_BAD_PATTERN with a column. */
export class PatternReader {
	/** Index of the next character. */
	at = 0;
	readonly #chars: readonly string[];
	readonly #kind: RegexKind;

	constructor(pattern: string, kind: RegexKind) {
		this.#chars = Array.from(pattern);
		this.#kind = kind;
	}

	/** Consumes the next character; undefined: end. */
	read(): string | undefined {
		return this.#chars[this.at++];
	}

	/** Creates an error for the next character, or for the one at `at`. */
	error(message: string, at = this.at): FlowtapeError {
		const column = this.#chars.slice(0, at).join("").length + 1;
		return new FlowtapeError("FT_BAD_PATTERN", message, { column });
	}

	/** The next character, without consuming it; undefined: end. */
	get next(): string | undefined {
		return this.#chars[this.at];
	}

	/** Consumes the next character if it is `char`. */
	take(char: string): boolean {
		if (this.next !== char) return false;
		this.at++;
		return true;
	}

	/** Consumes characters that match `allowed`, at most `limit`. */
	takeWhile(allowed: RegExp, limit: number): string {
		let taken = "";
		while (taken.length < limit && this.next !== undefined && allowed.test(this.next)) taken += this.#chars[this.at++];
		return taken;
	}

	/**
	 * Consumes everything up to and including `end`, and returns it without `end`.
	 * @param what the name of the construct, for the error if `end` is missing
	 */
	takeUntil(end: string, what: string): string {
		const start = this.at;
		while (this.next !== undefined && this.next !== end) this.at++;
		if (this.next === undefined) throw this.error(`${what} is not closed by "${end}"`, start);
		return this.#chars.slice(start, this.at++).join("");
	}

	/** Whether the next `{` begins a repeat count; else it is a literal. */
	isCount(): boolean {
		return /^\{(?:\d+(?:,\d*)?|,\d*)\}/.test(this.#chars.slice(this.at, this.at + 64).join(""));
	}

	/** Reads `*`, `+`, `?` or `{…}`. */
	count(): Range {
		const start = this.at;
		const char = this.read();
		if (char === "*") return [0, Number.POSITIVE_INFINITY];
		if (char === "+") return [1, Number.POSITIVE_INFINITY];
		if (char === "?") return [0, 1];
		const [low = "", high = low] = this.takeUntil("}", "a count").split(",");
		const min = Number(low);
		const max = high === "" ? Number.POSITIVE_INFINITY : Number(high);
		if (min >= REPEAT_LIMIT || (max >= REPEAT_LIMIT && max !== Number.POSITIVE_INFINITY))
			throw this.error("the repeat count is too large", start);
		if (max < min) throw this.error(`the minimum repeat ${min} is greater than the maximum repeat ${max}`, start);
		return [min, max];
	}

	/** The code of an octal escape. */
	octal(digits: string, at: number): number {
		const code = Number.parseInt(digits, 8);
		if (code > 0o377) throw this.error(`"\\${digits}" is larger than \\377`, at);
		return code;
	}

	/** Reads an escape for one character, inside or outside a class; `char` follows the backslash. */
	charEscape(char: string, at: number): number {
		const length = HEX_LENGTH[char];
		if (length !== undefined && (char === "x" || this.#kind === "text")) {
			const digits = this.takeWhile(/[0-9a-fA-F]/, length);
			const code = Number.parseInt(digits, 16);
			if (digits.length < length) throw this.error(`"\\${char}" needs ${length} hexadecimal digits`, at);
			if (code > 0x10ffff) throw this.error(`"\\U${digits}" is not a Unicode code point`, at);
			return code;
		}
		if (char === "N" && this.#kind === "text")
			throw this.error('"\\N{…}" is not supported: write the character as \\u or \\U with its code point', at);
		const code = CONTROL[char];
		if (code !== undefined) return code;
		if (/[a-zA-Z0-9]/.test(char)) throw this.error(`unknown escape "\\${char}"`, at);
		return char.codePointAt(0) as number;
	}

	/** Reads a class after its `[`. */
	charClass(): CharClass {
		const start = this.at - 1;
		const negated = this.take("^");
		const ranges: Range[] = [];
		const classes: ClassName[] = [];
		const add = (member: number | ClassName) => {
			if (typeof member === "number") ranges.push([member, member]);
			else classes.push(member);
		};
		for (;;) {
			if (this.next === "]" && ranges.length + classes.length > 0) break;
			const from = this.at;
			const low = this.#classMember(start);
			if (!this.take("-")) add(low);
			else if (this.next === "]") {
				add(low);
				add(45);
			} else {
				const high = this.#classMember(start);
				const text = this.#chars.slice(from, this.at).join("");
				if (typeof low !== "number" || typeof high !== "number")
					throw this.error(`"${text}" is not a range: both ends must be characters`, from);
				if (high < low) throw this.error(`"${text}" is not a range: its end comes before its start`, from);
				ranges.push([low, high]);
			}
		}
		this.at++;
		return { negated, ranges, classes };
	}

	#classMember(start: number): number | ClassName {
		const char = this.read();
		if (char === undefined) throw this.error('"[" is not closed by "]"', start);
		if (char !== "\\") return char.codePointAt(0) as number;
		const at = this.at - 1;
		const escaped = this.read();
		if (escaped === undefined) throw this.error('"[" is not closed by "]"', start);
		if (/[dDsSwW]/.test(escaped)) return escaped as ClassName;
		if (/[0-7]/.test(escaped)) return this.octal(escaped + this.takeWhile(/[0-7]/, 2), at);
		return this.charEscape(escaped, at);
	}
}
