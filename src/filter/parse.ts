// Parses filter expressions. Every expression that mitmproxy accepts has the same meaning here. Some that its parser
// rejects, such as `(~q)`, `~q&~s` and `(a b)`, are accepted too.
import { FlowtapeError } from "../errors.ts";

/**
 * A number, class, range or comparison. A class, range or comparison must be a whole word; a number ends with its last
 * digit, as in mitmproxy.
 */
const NUMBER = /^(?:(?:[0-9]xx|[0-9]+-[0-9]+|[<>]=?[0-9]+)(?=$|[\s()&|!])|[0-9]+)/i;

/**
 * Whether an operator takes no argument, a pattern or a number; a number may be a class, a comparison or a range of
 * numbers.
 */
export type ArgumentKind = "none" | "pattern" | "number";

export type Expression =
	| { readonly type: "and" | "or"; readonly of: readonly Expression[] }
	| { readonly type: "not"; readonly of: Expression }
	/** `column`: that of the operator; `columns`: those of each character of the argument. Columns count from 1. */
	| {
			readonly type: "term";
			readonly code: string;
			readonly argument: string;
			readonly column: number;
			readonly columns: readonly number[];
	  };

/**
 * Parses a filter expression with this grammar:
 *
 *     filter  = or { or }
 *     or      = and { "|" and }
 *     and     = not { "&" not }
 *     not     = "!" not | primary
 *     primary = "(" filter ")" | "~" code [ argument ] | pattern
 *     pattern = bareword | "…" | '…'
 *
 * Juxtaposition, as in `filter`, means "and" and binds loosest. A pattern alone matches the URL. A bareword contains no
 * white space and none of ( ) ~ " '.
 *
 * An operator sign without an operand is a bareword: `a &` means `a` and the pattern `&`. In parentheses, where
 * mitmproxy does not allow juxtaposition, such a sign next to another term is an error.
 *
 * @param argumentOf returns the kind of argument of an operator; undefined: there is no such operator
 * @throws FlowtapeError FT_BAD_FILTER with the column
 */
export function parseFilter(text: string, argumentOf: (code: string) => ArgumentKind | undefined): Expression {
	return new Parser(expandTabs(text), argumentOf).parse();
}

/** Replaces each tab by spaces up to the next multiple of eight, even inside quotes, as Python's `expandtabs` does. */
function expandTabs(text: string): string {
	if (!text.includes("\t")) return text;
	let out = "";
	let column = 0;
	for (const char of text) {
		const shown = char === "\t" ? " ".repeat(8 - (column % 8)) : char;
		out += shown;
		column = char === "\n" || char === "\r" ? 0 : column + shown.length;
	}
	return out;
}

const BAREWORD = /[^()~'"\t\r\n ]+/y;
const CODE = /[!-~]*?(?=[^!-~]|[&|()!~'"]|$)/y;
const ESCAPED: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", f: "\f" };
const DEPTH_LIMIT = 500;

class Parser {
	readonly #text: string;
	readonly #argumentOf: (code: string) => ArgumentKind | undefined;
	#at = 0;
	#depth = 0;
	/** Index of the last bareword in the innermost parentheses that consists of operator signs; -1: none. */
	#strayAt = -1;

	constructor(text: string, argumentOf: (code: string) => ArgumentKind | undefined) {
		this.#text = text;
		this.#argumentOf = argumentOf;
	}

	parse(): Expression {
		this.#skipSpace();
		if (this.#at === this.#text.length) throw this.#error("the filter is empty; ~all matches every flow");
		const expression = this.#juxtaposed();
		if (this.#at < this.#text.length) throw this.#error('")" without a "(" before it');
		return expression;
	}

	#error(message: string, at = this.#at): FlowtapeError {
		const column = at + 1;
		return new FlowtapeError("FT_BAD_FILTER", `filter "${this.#text}", column ${column}: ${message}`, { column });
	}

	#skipSpace(): void {
		while (/[ \t\r\n]/.test(this.#text.charAt(this.#at))) this.#at++;
	}

	/** Consumes an operator sign if an operand follows; otherwise the sign is part of a bareword. */
	#takeSign(sign: string): boolean {
		this.#skipSpace();
		if (this.#text[this.#at] !== sign) return false;
		const after = this.#at + 1;
		const rest = this.#text.slice(after).trimStart();
		if (rest === "" || (rest.startsWith(")") && this.#depth > 0)) return false;
		this.#at = after;
		this.#skipSpace();
		return true;
	}

	#juxtaposed(): Expression {
		const parts = [this.#or()];
		for (this.#skipSpace(); this.#at < this.#text.length && this.#text[this.#at] !== ")"; this.#skipSpace())
			parts.push(this.#or());
		if (parts.length > 1 && this.#depth > 0 && this.#strayAt >= 0)
			throw this.#error(
				`"${this.#text[this.#strayAt]}" has no operand; put it in quotes if it is a pattern`,
				this.#strayAt,
			);
		return joined("and", parts);
	}

	/** The content of parentheses. */
	#grouped(): Expression {
		const outer = this.#strayAt;
		this.#strayAt = -1;
		const expression = this.#juxtaposed();
		this.#strayAt = outer;
		return expression;
	}

	#or(): Expression {
		const parts = [this.#and()];
		while (this.#takeSign("|")) parts.push(this.#and());
		return joined("or", parts);
	}

	#and(): Expression {
		const parts = [this.#not()];
		while (this.#takeSign("&")) parts.push(this.#not());
		return joined("and", parts);
	}

	#not(): Expression {
		if (!this.#takeSign("!")) return this.#primary();
		return { type: "not", of: this.#deeper(() => this.#not()) };
	}

	#deeper(read: () => Expression): Expression {
		if (++this.#depth > DEPTH_LIMIT) throw this.#error(`more than ${DEPTH_LIMIT} levels of parentheses and "!"`);
		const expression = read();
		this.#depth--;
		return expression;
	}

	#primary(): Expression {
		const start = this.#at;
		const char = this.#text[start];
		if (char === "~") return this.#operator();
		if (char === "(") {
			this.#at++;
			const inside = this.#deeper(() => {
				this.#skipSpace();
				return this.#grouped();
			});
			if (this.#text[this.#at] !== ")") throw this.#error('"(" is not closed by ")"', start);
			this.#at++;
			return inside;
		}
		const pattern = this.#pattern();
		if (pattern !== null) return { type: "term", code: "u", column: start + 1, ...pattern };
		throw this.#error(
			`expected an operator such as ~u, a pattern or "(", found ${char === undefined ? "the end" : `"${char}"`}`,
		);
	}

	#operator(): Expression {
		const start = this.#at++;
		CODE.lastIndex = this.#at;
		const code = CODE.exec(this.#text)?.[0] ?? "";
		const kind = this.#argumentOf(code);
		if (kind === undefined)
			throw this.#error(`unknown operator "~${code}"; "flowtape help filter" lists the operators`, start);
		this.#at += code.length;
		const next = this.#text.charAt(this.#at);
		if (/[!~(]/.test(next) || (kind !== "pattern" && /['"]/.test(next)))
			throw this.#error(`expected a space after "~${code}"`);
		if (kind === "none") return { type: "term", code, argument: "", column: start + 1, columns: [] };
		this.#skipSpace();
		const argument = kind === "number" ? this.#number(code) : this.#pattern();
		if (argument === null)
			throw this.#error(`~${code} needs a pattern, in quotes if it has spaces, parentheses, "~" or quotes`);
		return { type: "term", code, column: start + 1, ...argument };
	}

	#number(code: string): { argument: string; columns: number[] } {
		const number = NUMBER.exec(this.#text.slice(this.#at))?.[0];
		if (number === undefined)
			throw this.#error(
				`~${code} needs a number such as 404, a class such as 4xx, a comparison such as >=400 or a range such as 400-499`,
			);
		const columns = [this.#at + 1];
		this.#at += number.length;
		return { argument: number, columns };
	}

	/** Reads a bareword or quoted text; null: there is neither. */
	#pattern(): { argument: string; columns: number[] } | null {
		const start = this.#at;
		const quote = this.#text[start];
		if (quote === '"' || quote === "'") return this.#quoted(quote);
		BAREWORD.lastIndex = start;
		const argument = BAREWORD.exec(this.#text)?.[0];
		if (argument === undefined) return null;
		if (/^[&|!]+$/.test(argument)) this.#strayAt = start;
		this.#at += argument.length;
		if (/[~'"]/.test(this.#text.charAt(this.#at)) && !this.#isQuoted())
			throw this.#error(`a pattern that contains ${this.#text[this.#at]} needs quotes`);
		return { argument, columns: Array.from(argument, (_, i) => start + i + 1) };
	}

	/** Whether a complete quoted text begins here: `foo'bar'` is two patterns. */
	#isQuoted(): boolean {
		return /^(?:"(?:\\[^\r\n]|[^"\\\r\n])*"|'(?:\\[^\r\n]|[^'\\\r\n])*')/.test(this.#text.slice(this.#at));
	}

	#quoted(quote: string): { argument: string; columns: number[] } {
		const start = this.#at;
		let argument = "";
		const columns: number[] = [];
		for (this.#at++; this.#text[this.#at] !== quote; this.#at++) {
			columns.push(this.#at + 1);
			let char = this.#text[this.#at];
			if (char === "\\") {
				const escaped = this.#text[++this.#at];
				char = escaped === undefined ? undefined : (ESCAPED[escaped] ?? escaped);
			}
			if (char === undefined || this.#text[this.#at] === "\n" || this.#text[this.#at] === "\r")
				throw this.#error(`this quoted text is not closed by ${quote}`, start);
			argument += char;
		}
		this.#at++;
		return { argument, columns };
	}
}

/** One node for all parts; a single part stays as it is. */
function joined(type: "and" | "or", parts: readonly Expression[]): Expression {
	const [only, more] = parts;
	return only !== undefined && more === undefined ? only : { type, of: parts };
}
