// Reads a regular expression of Python's `re` (3.11) into a tree, refusing what Python refuses and in the same places.
import { FlowtapeError } from "../errors.ts";
import { type ClassName, type Fold, type Node, nothing, type Range, type RegexTree, someNode, widthOf } from "./regex-tree.ts";

/** What a pattern and its subjects consist of: text, or bytes with one character each. */
export type RegexKind = "text" | "bytes";

export interface RegexFlags {
	ignoreCase?: boolean | undefined;
	/** `^` and `$` at every line. */
	multiline?: boolean | undefined;
	/** `.` matches a line feed too. */
	dotAll?: boolean | undefined;
}

interface Flags {
	i: boolean;
	m: boolean;
	s: boolean;
	x: boolean;
	a: boolean;
}

/**
 * The tree of a pattern; for `bytes` the pattern is a byte string.
 * @throws FlowtapeError FT_BAD_PATTERN with the column, counted in characters of `pattern` from 1
 */
export function parsePythonRegex(pattern: string, kind: RegexKind, flags: RegexFlags = {}): RegexTree {
	const given: Flags = { i: flags.ignoreCase ?? false, m: flags.multiline ?? false, s: flags.dotAll ?? false, x: false, a: kind === "bytes" };
	const first = new Parser(pattern, kind, given);
	try {
		return first.parse();
	} catch (error) {
		// `(?x)` changes how the pattern before it is read as well, so reading starts over
		if (!(error instanceof VerboseFound)) throw error;
		return new Parser(pattern, kind, { ...given, x: true }).parse();
	}
}

class VerboseFound extends Error {}

const CONTROL: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "\\": 92 };
const HEX_LENGTH: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };
const REPEAT_LIMIT = 4294967295;

class Parser {
	readonly #chars: readonly string[];
	readonly #kind: RegexKind;
	#flags: Flags;
	#at = 0;
	#groups = 0;
	readonly #names = new Map<string, number>();
	readonly #widths = new Map<number, Range>();
	readonly #conditions: { group: number; at: number }[] = [];
	/** Groups opened before the look-behind that is being read; those inside it cannot be referred to there. */
	#lookbehindFrom: number | null = null;

	constructor(pattern: string, kind: RegexKind, flags: Flags) {
		this.#chars = Array.from(pattern);
		this.#kind = kind;
		this.#flags = flags;
	}

	parse(): RegexTree {
		const root = this.#either(true);
		if (this.#at < this.#chars.length) throw this.#error('")" without a "(" before it');
		for (const { group, at } of this.#conditions) if (group > this.#groups) throw this.#error(`there is no group ${group}`, at);
		return { root, groups: this.#groups, names: this.#names };
	}

	#error(message: string, at = this.#at): FlowtapeError {
		const column = this.#chars.slice(0, at).join("").length + 1;
		return new FlowtapeError("FT_BAD_PATTERN", message, { column });
	}

	get #next(): string | undefined {
		return this.#chars[this.#at];
	}

	#take(char: string): boolean {
		if (this.#next !== char) return false;
		this.#at++;
		return true;
	}

	#takeWhile(allowed: RegExp, limit: number): string {
		let taken = "";
		while (taken.length < limit && this.#next !== undefined && allowed.test(this.#next)) taken += this.#chars[this.#at++];
		return taken;
	}

	#takeUntil(end: string, what: string): string {
		const start = this.#at;
		while (this.#next !== undefined && this.#next !== end) this.#at++;
		if (this.#next === undefined) throw this.#error(`${what} is not ended by "${end}"`, start);
		return this.#chars.slice(start, this.#at++).join("");
	}

	get #fold(): Fold {
		return this.#flags.i ? (this.#flags.a ? "ascii" : "unicode") : "none";
	}

	#set(ranges: readonly Range[], classes: readonly ClassName[] = [], negated = false): Node {
		return { type: "set", negated, ranges, classes, fold: this.#fold, ascii: this.#flags.a };
	}

	#char(code: number): Node {
		return this.#set([[code, code]]);
	}

	#either(outermost = false): Node {
		const branches = [this.#sequence(outermost)];
		while (this.#take("|")) branches.push(this.#sequence(false));
		return branches.length === 1 ? (branches[0] as Node) : { type: "either", of: branches };
	}

	#sequence(mayHaveFlags: boolean): Node {
		const items: Node[] = [];
		for (let char = this.#next; char !== undefined && char !== "|" && char !== ")"; char = this.#next) {
			if (this.#flags.x && this.#skipVerbose(char)) continue;
			if (/[*+?]/.test(char) || (char === "{" && this.#isCount())) this.#repeat(items);
			else if (char === "(") items.push(...this.#group(mayHaveFlags && items.length === 0));
			else items.push(this.#atom());
		}
		return items.length === 1 ? (items[0] as Node) : { type: "sequence", of: items };
	}

	#skipVerbose(char: string): boolean {
		if (/[ \t\n\r\v\f]/.test(char)) this.#at++;
		else if (char === "#") while (this.#next !== undefined && this.#chars[this.#at++] !== "\n");
		else return false;
		return true;
	}

	#atom(): Node {
		const char = this.#chars[this.#at++] as string;
		switch (char) {
			case ".":
				return { type: "any", newline: this.#flags.s };
			case "^":
				return this.#anchor(this.#flags.m ? "lineStart" : "start");
			case "$":
				return this.#anchor(this.#flags.m ? "lineEnd" : "lastLineEnd");
			case "[":
				return this.#class();
			case "\\":
				return this.#escape();
			default:
				return this.#char(char.codePointAt(0) as number);
		}
	}

	#anchor(at: Extract<Node, { type: "anchor" }>["at"]): Node {
		return { type: "anchor", at, ascii: this.#flags.a };
	}

	/** Whether `{` begins a count; else it is a character like any other. */
	#isCount(): boolean {
		return /^\{(?:\d+(?:,\d*)?|,\d*)\}/.test(this.#chars.slice(this.#at, this.#at + 64).join(""));
	}

	#repeat(items: Node[]): void {
		const start = this.#at;
		const [min, max] = this.#count();
		const of = items.pop();
		if (of === undefined || of.type === "anchor") throw this.#error("there is nothing to repeat", start);
		if (of.type === "repeat" || this.#possessive.has(of)) throw this.#error("this repeats what is repeated already", start);
		const lazy = this.#take("?");
		const repeat: Node = { type: "repeat", min, max, lazy, of };
		if (!lazy && this.#take("+")) {
			const atomic: Node = { type: "atomic", of: repeat };
			this.#possessive.add(atomic);
			items.push(atomic);
		} else items.push(repeat);
	}

	readonly #possessive = new Set<Node>();

	#count(): Range {
		const start = this.#at;
		const char = this.#chars[this.#at++];
		if (char === "*") return [0, Number.POSITIVE_INFINITY];
		if (char === "+") return [1, Number.POSITIVE_INFINITY];
		if (char === "?") return [0, 1];
		const [low = "", high = low] = this.#takeUntil("}", "a count").split(",");
		const min = Number(low);
		const max = high === "" ? Number.POSITIVE_INFINITY : Number(high);
		if (min >= REPEAT_LIMIT || (max >= REPEAT_LIMIT && max !== Number.POSITIVE_INFINITY)) throw this.#error("this count is too large", start);
		if (max < min) throw this.#error(`the least count ${min} is greater than the largest, ${max}`, start);
		return [min, max];
	}

	#class(): Node {
		const start = this.#at - 1;
		const negated = this.#take("^");
		const ranges: Range[] = [];
		const classes: ClassName[] = [];
		const add = (member: number | ClassName) => {
			if (typeof member === "number") ranges.push([member, member]);
			else classes.push(member);
		};
		for (;;) {
			if (this.#next === "]" && ranges.length + classes.length > 0) break;
			const from = this.#at;
			const low = this.#classMember(start);
			if (!this.#take("-")) add(low);
			else if (this.#next === "]") {
				add(low);
				add(45);
			} else {
				const high = this.#classMember(start);
				const text = this.#chars.slice(from, this.#at).join("");
				if (typeof low !== "number" || typeof high !== "number") throw this.#error(`"${text}" is no range: both ends must be characters`, from);
				if (high < low) throw this.#error(`"${text}" is no range: its end comes before its start`, from);
				ranges.push([low, high]);
			}
		}
		this.#at++;
		return this.#set(ranges, classes, negated);
	}

	#classMember(start: number): number | ClassName {
		const char = this.#chars[this.#at++];
		if (char === undefined) throw this.#error('"[" is not ended by "]"', start);
		if (char !== "\\") return char.codePointAt(0) as number;
		const at = this.#at - 1;
		const escaped = this.#chars[this.#at++];
		if (escaped === undefined) throw this.#error('"[" is not ended by "]"', start);
		if (/[dDsSwW]/.test(escaped)) return escaped as ClassName;
		if (/[0-7]/.test(escaped)) return this.#octal(escaped + this.#takeWhile(/[0-7]/, 2), at);
		return this.#charEscape(escaped, at);
	}

	#octal(digits: string, at: number): number {
		const code = Number.parseInt(digits, 8);
		if (code > 0o377) throw this.#error(`"\\${digits}" is larger than \\377`, at);
		return code;
	}

	/** Escapes that stand for one character, inside and outside of classes. */
	#charEscape(char: string, at: number): number {
		const length = HEX_LENGTH[char];
		if (length !== undefined && (char === "x" || this.#kind === "text")) {
			const digits = this.#takeWhile(/[0-9a-fA-F]/, length);
			const code = Number.parseInt(digits, 16);
			if (digits.length < length) throw this.#error(`"\\${char}" needs ${length} hexadecimal digits`, at);
			if (code > 0x10ffff) throw this.#error(`"\\U${digits}" is beyond Unicode`, at);
			return code;
		}
		if (char === "N" && this.#kind === "text") throw this.#error('"\\N{…}", a character by its name, is not supported: write \\u or \\U and its number', at);
		const code = CONTROL[char];
		if (code !== undefined) return code;
		if (/[a-zA-Z0-9]/.test(char)) throw this.#error(`"\\${char}" is no escape that Python knows`, at);
		return char.codePointAt(0) as number;
	}

	#escape(): Node {
		const at = this.#at - 1;
		const char = this.#chars[this.#at++];
		if (char === undefined) throw this.#error('a "\\" at the end escapes nothing', at);
		if (/[dDsSwW]/.test(char)) return this.#set([], [char as ClassName]);
		if (char === "A") return this.#anchor("start");
		if (char === "Z") return this.#anchor("end");
		if (char === "b") return this.#anchor("boundary");
		if (char === "B") return this.#anchor("notBoundary");
		if (char === "0") return this.#char(this.#octal(char + this.#takeWhile(/[0-7]/, 2), at));
		if (/[1-9]/.test(char)) return this.#reference(char, at);
		return this.#char(this.#charEscape(char, at));
	}

	#reference(first: string, at: number): Node {
		let digits = first + this.#takeWhile(/\d/, 1);
		if (/^[0-7]{2}$/.test(digits) && this.#next !== undefined && /[0-7]/.test(this.#next)) {
			digits += this.#takeWhile(/[0-7]/, 1);
			return this.#char(this.#octal(digits, at));
		}
		return this.#referenceTo(Number(digits), at);
	}

	#referenceTo(group: number, at: number): Node {
		if (group > this.#groups) throw this.#error(`there is no group ${group} before this`, at);
		if (!this.#widths.has(group)) throw this.#error(`group ${group} is still open here`, at);
		this.#checkLookbehind(group, at);
		return { type: "reference", group, fold: this.#fold };
	}

	#checkLookbehind(group: number, at: number): void {
		if (this.#lookbehindFrom !== null && group > this.#lookbehindFrom) throw this.#error(`group ${group} is inside the same look-behind`, at);
	}

	/** What stands in parentheses; nothing for comments and flags. */
	#group(mayHaveFlags: boolean): Node[] {
		const start = this.#at++;
		if (!this.#take("?")) return [this.#capture(start, null)];
		const kind = this.#chars[this.#at++];
		switch (kind) {
			case undefined:
				throw this.#error('"(?" is not complete', start);
			case "P":
				return [this.#named(start)];
			case ":":
				return [this.#rest(start, this.#flags)];
			case "#":
				this.#takeUntil(")", "this comment");
				return [];
			case ">":
				return [{ type: "atomic", of: this.#rest(start, this.#flags) }];
			case "=":
			case "!":
				return [{ type: "look", behind: false, negated: kind === "!", of: this.#rest(start, this.#flags) }];
			case "<":
				return [this.#lookbehind(start)];
			case "(":
				return [this.#condition(start)];
			default:
				this.#at--;
				return this.#inlineFlags(start, mayHaveFlags);
		}
	}

	/** Up to and with the closing parenthesis, under these flags. */
	#rest(start: number, flags: Flags): Node {
		const outer = this.#flags;
		this.#flags = flags;
		const of = this.#either();
		this.#flags = outer;
		if (!this.#take(")")) throw this.#error('"(" is not closed by ")"', start);
		return of.type === "sequence" || of.type === "either" ? of : { type: "sequence", of: [of] };
	}

	#capture(start: number, name: string | null): Node {
		const number = ++this.#groups;
		if (name !== null) this.#names.set(name, number);
		const of = this.#rest(start, this.#flags);
		this.#widths.set(number, this.#width(of));
		return { type: "group", number, of };
	}

	#width(node: Node): Range {
		return widthOf(node, (group) => this.#widths.get(group) ?? [0, Number.POSITIVE_INFINITY]);
	}

	#named(start: number): Node {
		const at = this.#at;
		if (this.#take("<")) {
			const name = this.#name(">");
			if (this.#names.has(name)) throw this.#error(`there is a group "${name}" already`, at);
			return this.#capture(start, name);
		}
		if (this.#take("=")) return this.#referenceTo(this.#groupNamed(this.#name(")"), at), start);
		throw this.#error(`"(?P${this.#next ?? ""}" is nothing that Python knows: (?P<name>…) and (?P=name) are`, start);
	}

	#name(end: string): string {
		const at = this.#at;
		const name = this.#takeUntil(end, "a group name");
		const allowed = this.#kind === "bytes" ? /^[A-Za-z_]\w*$/ : /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
		if (!allowed.test(name)) throw this.#error(`"${name}" is no name for a group`, at);
		return name;
	}

	#groupNamed(name: string, at: number): number {
		const group = this.#names.get(name);
		if (group === undefined) throw this.#error(`there is no group "${name}"`, at);
		return group;
	}

	#lookbehind(start: number): Node {
		const kind = this.#chars[this.#at++];
		if (kind !== "=" && kind !== "!") throw this.#error('"(?<" is followed by "=" or "!"; groups are named with (?P<name>…)', start);
		const outer = this.#lookbehindFrom;
		this.#lookbehindFrom ??= this.#groups;
		const of = this.#rest(start, this.#flags);
		this.#lookbehindFrom = outer;
		const [low, high] = this.#width(of);
		if (low !== high) throw this.#error("a look-behind must have a fixed width", start);
		return { type: "look", behind: true, negated: kind === "!", of };
	}

	#condition(start: number): Node {
		const at = this.#at;
		const name = this.#takeUntil(")", "a condition");
		const group = /^[0-9]+$/.test(name) ? Number(name) : this.#groupNamed(name, at);
		if (group === 0) throw this.#error("groups are numbered from 1", at);
		this.#checkLookbehind(group, at);
		this.#conditions.push({ group, at });
		const yes = this.#sequence(false);
		const no = this.#take("|") ? this.#sequence(false) : nothing;
		if (this.#next === "|") throw this.#error("a condition has two branches at most");
		if (!this.#take(")")) throw this.#error('"(" is not closed by ")"', start);
		return { type: "condition", group, yes, no };
	}

	#inlineFlags(start: number, mayBeGlobal: boolean): Node[] {
		const on = this.#takeWhile(/[a-zA-Z]/, 20);
		const off = this.#take("-") ? this.#takeWhile(/[a-zA-Z]/, 20) : null;
		const text = `(?${on}${off === null ? "" : `-${off}`}`;
		const isGlobal = off === null && this.#next === ")";
		if ((!isGlobal && this.#next !== ":") || (isGlobal ? on : on + (off ?? "")) === "" || off === "")
			throw this.#error(`"${text}${this.#next ?? ""}" is nothing that Python knows`, start);
		this.#checkFlags(on, off ?? "", start);
		const flags = { ...this.#flags };
		for (const flag of on)
			if (flag === "u") flags.a = false;
			else if (flag !== "L") flags[flag as keyof Flags] = true;
		for (const flag of off ?? "") flags[flag as keyof Flags] = false;
		this.#at++;
		if (!isGlobal) return [this.#rest(start, flags)];
		if (!mayBeGlobal) throw this.#error(`"${text})" must stand at the start; "${text}:…)" may stand anywhere`, start);
		if (flags.x && !this.#flags.x) throw new VerboseFound();
		this.#flags = flags;
		return [];
	}

	#checkFlags(on: string, off: string, start: number): void {
		const unknown = /[^aiLmsux]/.exec(on + off)?.[0];
		if (unknown !== undefined) throw this.#error(`there is no flag "${unknown}"`, start);
		const wrong = this.#kind === "text" ? "L" : "u";
		if (on.includes(wrong)) throw this.#error(`the flag "${wrong}" is not for ${this.#kind} patterns`, start);
		if (new Set(on.replace(/[^aLu]/g, "")).size > 1) throw this.#error('the flags "a", "u" and "L" exclude one another', start);
		if (/[aLu]/.test(off)) throw this.#error('the flags "a", "u" and "L" cannot be turned off', start);
		for (const flag of off) if (on.includes(flag)) throw this.#error(`the flag "${flag}" is turned on and off`, start);
	}
}

/** Whether a pattern refers back to what a group matched. */
export function hasReference(node: Node): boolean {
	return someNode(node, (inner) => inner.type === "reference");
}
