// The grammar of filter expressions: what mitmproxy reads means the same here, and what it refuses only for the way its parser
// is built, such as `(~q)`, `~q&~s` and `(a b)`, is read as it is plainly meant.
import { FlowtapeError } from "../errors.ts";

/** Whether an operator stands alone, or takes a pattern or a number. */
export type ArgumentKind = "none" | "pattern" | "number";

export type Expression =
	| { readonly type: "and" | "or"; readonly of: readonly Expression[] }
	| { readonly type: "not"; readonly of: Expression }
	/** `column`: of the operator; `columns`: of each character of the argument. From 1. */
	| { readonly type: "term"; readonly code: string; readonly argument: string; readonly column: number; readonly columns: readonly number[] };

/**
 * Reads a filter expression.
 *
 *     filter   = or { or }                  juxtaposition means "and" and binds loosest
 *     or       = and { "|" and }            and = not { "&" not }            not = "!" not | primary
 *     primary  = "(" filter ")" | "~" code [ argument ] | pattern          a pattern alone is about the URL
 *     pattern  = bareword | "…" | '…'                                     a bareword has no ( ) ~ " ' and no white space
 *
 * An operator sign that has nothing to work on is a bareword, as `a &` is `a` and the pattern `&`. In parentheses, where mitmproxy knows no
 * juxtaposition, such a sign beside something else is an error.
 *
 * @throws FlowtapeError FT_BAD_FILTER with the column
 */
export function parseFilter(text: string, argumentOf: (code: string) => ArgumentKind | undefined): Expression {
	return new Parser(expandTabs(text), argumentOf).parse();
}

/** Tabs are spaces up to the next multiple of eight, inside of quotes as well. */
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
	/** Where the last bareword of the innermost parentheses stands that is nothing but operator signs; -1: there is none. */
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

	/** Takes an operator sign when something follows on which it can work; else it is part of a bareword. */
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
		for (this.#skipSpace(); this.#at < this.#text.length && this.#text[this.#at] !== ")"; this.#skipSpace()) parts.push(this.#or());
		if (parts.length > 1 && this.#depth > 0 && this.#strayAt >= 0)
			throw this.#error(`"${this.#text[this.#strayAt]}" has nothing to work on; a pattern of this sign needs quotes`, this.#strayAt);
		return joined("and", parts);
	}

	/** What stands in parentheses. */
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
		throw this.#error(`an operator such as ~u, a pattern or "(" was expected, not ${char === undefined ? "the end" : `"${char}"`}`);
	}

	#operator(): Expression {
		const start = this.#at++;
		CODE.lastIndex = this.#at;
		const code = CODE.exec(this.#text)?.[0] ?? "";
		const kind = this.#argumentOf(code);
		if (kind === undefined) throw this.#error(`there is no operator "~${code}"; "flowtape help filter" lists them`, start);
		this.#at += code.length;
		const next = this.#text.charAt(this.#at);
		if (/[!~(]/.test(next) || (kind !== "pattern" && /['"]/.test(next))) throw this.#error(`a space was expected after "~${code}"`);
		if (kind === "none") return { type: "term", code, argument: "", column: start + 1, columns: [] };
		this.#skipSpace();
		const argument = kind === "number" ? this.#number(code) : this.#pattern();
		if (argument === null) throw this.#error(`~${code} needs a pattern, in quotes if it has spaces, parentheses, "~" or quotes`);
		return { type: "term", code, column: start + 1, ...argument };
	}

	#number(code: string): { argument: string; columns: number[] } {
		const digits = /^[0-9]+/.exec(this.#text.slice(this.#at))?.[0];
		if (digits === undefined) throw this.#error(`~${code} needs a number, such as 404`);
		const columns = [this.#at + 1];
		this.#at += digits.length;
		return { argument: digits, columns };
	}

	/** A bareword or quoted text; null where there is neither. */
	#pattern(): { argument: string; columns: number[] } | null {
		const start = this.#at;
		const quote = this.#text[start];
		if (quote === '"' || quote === "'") return this.#quoted(quote);
		BAREWORD.lastIndex = start;
		const argument = BAREWORD.exec(this.#text)?.[0];
		if (argument === undefined) return null;
		if (/^[&|!]+$/.test(argument)) this.#strayAt = start;
		this.#at += argument.length;
		if (/[~'"]/.test(this.#text.charAt(this.#at)) && !this.#isQuoted()) throw this.#error(`"${this.#text[this.#at]}" is part of a pattern only in quotes`);
		return { argument, columns: Array.from(argument, (_, i) => start + i + 1) };
	}

	/** Whether a complete quoted text begins here, as in `foo'bar'`, which is two patterns. */
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
				throw this.#error(`this quoted text is not ended by ${quote}`, start);
			argument += char;
		}
		this.#at++;
		return { argument, columns };
	}
}

/** Nodes of one kind side by side are one node. */
function joined(type: "and" | "or", parts: readonly Expression[]): Expression {
	const [only, more] = parts;
	return only !== undefined && more === undefined ? only : { type, of: parts };
}
