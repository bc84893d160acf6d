// Parses a regular expression of Python's `re` (3.11) into a tree. It rejects the patterns that Python rejects, at the
// same positions.
import { PatternReader, type RegexKind } from "./read.ts";
import {
	type Anchor,
	type ClassName,
	type Fold,
	type Node,
	nothing,
	type Range,
	type RegexTree,
	widthOf,
} from "./tree.ts";

export interface RegexFlags {
	ignoreCase?: boolean | undefined;
	/** `^` and `$` match at every line. */
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
 * Parses a pattern; for `bytes` it must be a byte string.
 * @throws FlowtapeError FT_BAD_PATTERN with the column, counted in characters of `pattern` from 1
 */
export function parsePythonRegex(pattern: string, kind: RegexKind, flags: RegexFlags = {}): RegexTree {
	const given: Flags = {
		i: flags.ignoreCase ?? false,
		m: flags.multiline ?? false,
		s: flags.dotAll ?? false,
		x: false,
		a: kind === "bytes",
	};
	const first = new Parser(pattern, kind, given);
	try {
		return first.parse();
	} catch (error) {
		// `(?x)` also applies to the pattern before it, so parsing starts again
		if (!(error instanceof VerboseFound)) throw error;
		return new Parser(pattern, kind, { ...given, x: true }).parse();
	}
}

class VerboseFound extends Error {}

const DEPTH_LIMIT = 200;

class Parser {
	readonly #reader: PatternReader;
	readonly #kind: RegexKind;
	#flags: Flags;
	#groups = 0;
	readonly #names = new Map<string, number>();
	readonly #widths = new Map<number, Range>();
	readonly #conditions: { group: number; at: number }[] = [];
	/** The possessive repeats, which cannot be repeated. */
	readonly #possessive = new Set<Node>();
	#depth = 0;
	/**
	 * Number of groups before the outermost current look-behind; null: outside of look-behinds. A look-behind cannot
	 * refer to later groups, which are inside it.
	 */
	#lookbehindFrom: number | null = null;

	constructor(pattern: string, kind: RegexKind, flags: Flags) {
		this.#reader = new PatternReader(pattern, kind);
		this.#kind = kind;
		this.#flags = flags;
	}

	parse(): RegexTree {
		const root = this.#either(true);
		if (this.#reader.next !== undefined) throw this.#reader.error('")" without a "(" before it');
		for (const { group, at } of this.#conditions)
			if (group > this.#groups) throw this.#reader.error(`there is no group ${group}`, at);
		return { root, groups: this.#groups, names: this.#names };
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
		while (this.#reader.take("|")) branches.push(this.#sequence(false));
		return branches.length === 1 ? (branches[0] as Node) : { type: "either", of: branches };
	}

	#sequence(mayHaveFlags: boolean): Node {
		const items: Node[] = [];
		for (let char = this.#reader.next; char !== undefined && char !== "|" && char !== ")"; char = this.#reader.next) {
			if (this.#flags.x && this.#skipVerbose(char)) continue;
			if (/[*+?]/.test(char) || (char === "{" && this.#reader.isCount())) this.#repeat(items);
			else if (char === "(") items.push(...this.#group(mayHaveFlags && items.length === 0));
			else items.push(this.#atom());
		}
		return items.length === 1 ? (items[0] as Node) : { type: "sequence", of: items };
	}

	#skipVerbose(char: string): boolean {
		if (/[ \t\n\r\v\f]/.test(char)) this.#reader.at++;
		else if (char === "#") while (this.#reader.next !== undefined && this.#reader.read() !== "\n");
		else return false;
		return true;
	}

	#atom(): Node {
		const char = this.#reader.read() as string;
		switch (char) {
			case ".":
				return { type: "any", newline: this.#flags.s };
			case "^":
				return this.#anchor(this.#flags.m ? "lineStart" : "start");
			case "$":
				return this.#anchor(this.#flags.m ? "lineEnd" : "lastLineEnd");
			case "[": {
				const { ranges, classes, negated } = this.#reader.charClass();
				return this.#set(ranges, classes, negated);
			}
			case "\\":
				return this.#escape();
			default:
				return this.#char(char.codePointAt(0) as number);
		}
	}

	#anchor(at: Anchor): Node {
		return { type: "anchor", at, ascii: this.#flags.a };
	}

	#repeat(items: Node[]): void {
		const start = this.#reader.at;
		const [min, max] = this.#reader.count();
		const of = items.pop();
		if (of === undefined || of.type === "anchor") throw this.#reader.error("there is nothing to repeat", start);
		if (of.type === "repeat" || this.#possessive.has(of))
			throw this.#reader.error("a repeat cannot be repeated", start);
		const lazy = this.#reader.take("?");
		const repeat: Node = { type: "repeat", min, max, lazy, of };
		if (!lazy && this.#reader.take("+")) {
			const atomic: Node = { type: "atomic", of: repeat };
			this.#possessive.add(atomic);
			items.push(atomic);
		} else items.push(repeat);
	}

	#escape(): Node {
		const at = this.#reader.at - 1;
		const char = this.#reader.read();
		if (char === undefined) throw this.#reader.error('there is nothing after the "\\" at the end', at);
		if (/[dDsSwW]/.test(char)) return this.#set([], [char as ClassName]);
		if (char === "A") return this.#anchor("start");
		if (char === "Z") return this.#anchor("end");
		if (char === "b") return this.#anchor("boundary");
		if (char === "B") return this.#anchor("notBoundary");
		if (char === "0") return this.#char(this.#reader.octal(char + this.#reader.takeWhile(/[0-7]/, 2), at));
		if (/[1-9]/.test(char)) return this.#reference(char, at);
		return this.#char(this.#reader.charEscape(char, at));
	}

	#reference(first: string, at: number): Node {
		let digits = first + this.#reader.takeWhile(/\d/, 1);
		if (/^[0-7]{2}$/.test(digits) && this.#reader.next !== undefined && /[0-7]/.test(this.#reader.next)) {
			digits += this.#reader.takeWhile(/[0-7]/, 1);
			return this.#char(this.#reader.octal(digits, at));
		}
		return this.#referenceTo(Number(digits), at);
	}

	#referenceTo(group: number, at: number): Node {
		if (group > this.#groups) throw this.#reader.error(`there is no group ${group} before this`, at);
		if (!this.#widths.has(group)) throw this.#reader.error(`group ${group} is still open here`, at);
		this.#checkLookbehind(group, at);
		return { type: "reference", group, fold: this.#fold };
	}

	#checkLookbehind(group: number, at: number): void {
		if (this.#lookbehindFrom !== null && group > this.#lookbehindFrom)
			throw this.#reader.error(`group ${group} is inside the same look-behind`, at);
	}

	/** Parses parentheses; comments and flags yield no node. */
	#group(mayHaveFlags: boolean): Node[] {
		if (++this.#depth > DEPTH_LIMIT) throw this.#reader.error(`more than ${DEPTH_LIMIT} levels of parentheses`);
		const nodes = this.#groupOfKind(mayHaveFlags);
		this.#depth--;
		return nodes;
	}

	#groupOfKind(mayHaveFlags: boolean): Node[] {
		const start = this.#reader.at++;
		if (!this.#reader.take("?")) return [this.#capture(start, null)];
		const kind = this.#reader.read();
		switch (kind) {
			case undefined:
				throw this.#reader.error('"(?" is not complete', start);
			case "P":
				return [this.#named(start)];
			case ":":
				return [this.#rest(start, this.#flags)];
			case "#":
				this.#reader.takeUntil(")", "this comment");
				return [];
			case ">":
				return [{ type: "atomic", of: this.#rest(start, this.#flags) }];
			case "=":
			case "!":
				return [{ type: "look", isBehind: false, negated: kind === "!", of: this.#rest(start, this.#flags) }];
			case "<":
				return [this.#lookbehind(start)];
			case "(":
				return [this.#condition(start)];
			default:
				this.#reader.at--;
				return this.#inlineFlags(start, mayHaveFlags);
		}
	}

	/** Parses up to and including the closing parenthesis, with these flags. */
	#rest(start: number, flags: Flags): Node {
		const outer = this.#flags;
		this.#flags = flags;
		const of = this.#either();
		this.#flags = outer;
		if (!this.#reader.take(")")) throw this.#reader.error('"(" is not closed by ")"', start);
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
		const at = this.#reader.at;
		if (this.#reader.take("<")) {
			const name = this.#name(">");
			if (this.#names.has(name)) throw this.#reader.error(`there is a group "${name}" already`, at);
			return this.#capture(start, name);
		}
		if (this.#reader.take("=")) return this.#referenceTo(this.#groupNamed(this.#name(")"), at), start);
		throw this.#reader.error(
			`unknown extension "(?P${this.#reader.next ?? ""}": write (?P<name>…) or (?P=name)`,
			start,
		);
	}

	#name(end: string): string {
		const at = this.#reader.at;
		const name = this.#reader.takeUntil(end, "a group name");
		const allowed = this.#kind === "bytes" ? /^[A-Za-z_]\w*$/ : /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
		if (!allowed.test(name)) throw this.#reader.error(`"${name}" is not a valid group name`, at);
		return name;
	}

	#groupNamed(name: string, at: number): number {
		const group = this.#names.get(name);
		if (group === undefined) throw this.#reader.error(`there is no group "${name}"`, at);
		return group;
	}

	#lookbehind(start: number): Node {
		const kind = this.#reader.read();
		if (kind !== "=" && kind !== "!")
			throw this.#reader.error('"(?<" must be followed by "=" or "!"; write (?P<name>…) for a named group', start);
		const outer = this.#lookbehindFrom;
		this.#lookbehindFrom ??= this.#groups;
		const of = this.#rest(start, this.#flags);
		this.#lookbehindFrom = outer;
		const [low, high] = this.#width(of);
		if (low !== high) throw this.#reader.error("a look-behind must have a fixed width", start);
		return { type: "look", isBehind: true, negated: kind === "!", of };
	}

	#condition(start: number): Node {
		const at = this.#reader.at;
		const name = this.#reader.takeUntil(")", "a condition");
		const group = /^[0-9]+$/.test(name) ? Number(name) : this.#groupNamed(name, at);
		if (group === 0) throw this.#reader.error("groups are numbered from 1", at);
		this.#checkLookbehind(group, at);
		this.#conditions.push({ group, at });
		const yes = this.#sequence(false);
		const no = this.#reader.take("|") ? this.#sequence(false) : nothing;
		if (this.#reader.next === "|") throw this.#reader.error("a condition has two branches at most");
		if (!this.#reader.take(")")) throw this.#reader.error('"(" is not closed by ")"', start);
		return { type: "condition", group, yes, no };
	}

	#inlineFlags(start: number, mayBeGlobal: boolean): Node[] {
		const on = this.#reader.takeWhile(/[a-zA-Z]/, 20);
		const off = this.#reader.take("-") ? this.#reader.takeWhile(/[a-zA-Z]/, 20) : null;
		const text = `(?${on}${off === null ? "" : `-${off}`}`;
		const isGlobal = off === null && this.#reader.next === ")";
		if ((!isGlobal && this.#reader.next !== ":") || (isGlobal ? on : on + (off ?? "")) === "" || off === "")
			throw this.#reader.error(`unknown extension "${text}${this.#reader.next ?? ""}"`, start);
		this.#checkFlags(on, off ?? "", start);
		const flags = { ...this.#flags };
		for (const flag of on)
			if (flag === "u") flags.a = false;
			else if (flag !== "L") flags[flag as keyof Flags] = true;
		for (const flag of off ?? "") flags[flag as keyof Flags] = false;
		this.#reader.at++;
		if (!isGlobal) return [this.#rest(start, flags)];
		if (!mayBeGlobal)
			throw this.#reader.error(
				`"${text})" is allowed only at the start; write "${text}:…)" for a part of the pattern`,
				start,
			);
		if (flags.x && !this.#flags.x) throw new VerboseFound();
		this.#flags = flags;
		return [];
	}

	#checkFlags(on: string, off: string, start: number): void {
		const unknown = /[^aiLmsux]/.exec(on + off)?.[0];
		if (unknown !== undefined) throw this.#reader.error(`unknown flag "${unknown}"`, start);
		const wrong = this.#kind === "text" ? "L" : "u";
		if (on.includes(wrong))
			throw this.#reader.error(`the flag "${wrong}" is not allowed in ${this.#kind} patterns`, start);
		if (new Set(on.replace(/[^aLu]/g, "")).size > 1)
			throw this.#reader.error('the flags "a", "u" and "L" are mutually exclusive', start);
		if (/[aLu]/.test(off)) throw this.#reader.error('the flags "a", "u" and "L" cannot be turned off', start);
		for (const flag of off)
			if (on.includes(flag)) throw this.#reader.error(`the flag "${flag}" is both turned on and off`, start);
	}
}
