// Translates the tree of a Python regular expression to JavaScript. Case-insensitive letters, `$`, `.` and classes are
// written out because they differ between the two languages. Each pattern has variants, optimised for the most common
// kinds of subjects.
import { FlowtapeError } from "../errors.ts";
import { classSource, contains, foldedRanges } from "./char-set.ts";
import { isNullable } from "./cost.ts";
import { type CharSet, childrenOf, type Node, nothing, type RegexTree, type Repeat, someNode } from "./tree.ts";

export interface EmitOptions {
	/**
	 * The characters of the subjects. `bytes`: one character per byte; `ascii`: only ASCII; `unicode`: any, matched with
	 * the flag `v`.
	 */
	readonly subject: "bytes" | "ascii" | "unicode";
	/** Whether the subjects end with a line feed; then `$` also matches before it. */
	readonly lineFeedAtEnd: boolean;
}

export interface EmittedRegex {
	readonly source: string;
	readonly flags: string;
	/**
	 * For each Python group, the JavaScript groups that represent it. If the Python group has matched, one of them has.
	 */
	readonly groups: readonly (readonly number[])[];
}

/**
 * Translates a pattern for `RegExp`.
 * @throws FlowtapeError FT_BAD_PATTERN for constructs that have no equivalent in JavaScript
 */
export function emitRegex(tree: RegexTree, options: EmitOptions): EmittedRegex {
	const emitter = new Emitter(tree, options);
	const source = emitter.emit(tree.root, new Map(emitter.groups.map((_, group) => [group, null])));
	const flags = (options.subject === "unicode" ? "v" : "") + (foldsReferences(tree.root) ? "i" : "");
	return { source, flags, groups: emitter.groups };
}

/**
 * Whether the flag `i` is needed: only it makes backreferences case-insensitive, and it applies to the whole pattern.
 */
function foldsReferences(root: Node): boolean {
	if (!someNode(root, (node) => node.type === "reference" && node.fold !== "none")) return false;
	if (someNode(root, (node) => (node.type === "reference" || node.type === "set") && node.fold === "none"))
		throw new FlowtapeError(
			"FT_BAD_PATTERN",
			"a case-insensitive backreference in a pattern with case-sensitive parts is not supported",
		);
	return true;
}

/**
 * Maximum number of nodes that are emitted. An optional group that is referred to later is expanded to alternatives,
 * and each such group can double the size.
 */
const NODE_LIMIT = 100_000;

/** Any character. `[^]` is broken in Node 20 with the flag `v`. */
const ANY = "[\\s\\S]";

/**
 * The state of each Python group at some point of the pattern: the number of its JavaScript group if it has matched;
 * null if it has not; no entry if this is unknown.
 */
type Known = Map<number, number | null>;

class Emitter {
	readonly groups: number[][];
	readonly #options: EmitOptions;
	readonly #sets = new Map<CharSet, string>();
	#count = 0;
	#emitted = 0;
	#isLookbehind = false;

	constructor(tree: RegexTree, options: EmitOptions) {
		this.groups = Array.from({ length: tree.groups + 1 }, () => []);
		this.#options = options;
	}

	emit(node: Node, known: Known): string {
		if (++this.#emitted > NODE_LIMIT)
			throw new FlowtapeError(
				"FT_BAD_PATTERN",
				"so many references to groups that may not have matched are not supported",
			);
		switch (node.type) {
			case "set":
				return this.#set(node);
			case "any":
				return node.newline ? ANY : "[^\\n]";
			case "anchor":
				return this.#anchor(node);
			case "sequence":
				return this.#sequence(node.of, known);
			case "either":
				return this.#either(node.of, known);
			case "repeat":
				return this.#repeat(node, known);
			case "group":
				return this.#group(node, known);
			case "atomic":
				return this.#atomic(node.of, known);
			case "look":
				return this.#look(node, known);
			case "reference":
			case "condition":
				return this.#conditional(node, known);
		}
	}

	#set(set: CharSet): string {
		let source = this.#sets.get(set);
		if (source === undefined) {
			source = this.#setSource(set);
			this.#sets.set(set, source);
		}
		return source;
	}

	#setSource(set: CharSet): string {
		const { subject } = this.#options;
		if (subject === "unicode") {
			const members = foldedRanges(set).map(([low, high]) =>
				low === high ? point(low) : `${point(low)}-${point(high)}`,
			);
			const [only, more] = members;
			if (only !== undefined && more === undefined && set.classes.length === 0 && !set.negated && !only.includes("-"))
				return only;
			return `[${set.negated ? "^" : ""}${members.join("")}${set.classes.map((name) => classSource(name, set.ascii)).join("")}]`;
		}
		return narrowSet(set, subject === "ascii" ? 0x7f : 0xff);
	}

	#anchor({ at, ascii }: Extract<Node, { type: "anchor" }>): string {
		// the fastest form for bytes would match inside surrogate pairs of text
		const wide = this.#options.subject === "unicode";
		switch (at) {
			case "start":
				return "^";
			case "end":
				return "$";
			case "lineStart":
				return wide ? "(?:^|(?<=\\n))" : "(?<![^\\n])";
			case "lineEnd":
				return wide ? "(?=\\n|$)" : "(?![^\\n])";
			case "lastLineEnd":
				return this.#options.lineFeedAtEnd ? "(?=\\n?$)" : "$";
			default:
				return this.#boundary(at === "boundary", ascii);
		}
	}

	#boundary(isBoundary: boolean, ascii: boolean): string {
		// in an empty subject, Python matches neither \b nor \B
		if (this.#options.subject !== "unicode") return isBoundary ? "\\b" : "(?:(?!^$)\\B)";
		const word = `[${classSource("w", ascii)}]`;
		return isBoundary
			? `(?:(?<=${word})(?!${word})|(?<!${word})(?=${word}))`
			: `(?:(?!^$)(?:(?<=${word})(?=${word})|(?<!${word})(?!${word})))`;
	}

	#sequence(items: readonly Node[], known: Known): string {
		let out = "";
		for (const [i, item] of items.entries()) {
			const rest = items.slice(i + 1);
			const group = this.#undecided(item, rest);
			const alternatives = group === undefined ? null : splitByGroup(item, group);
			if (alternatives !== null && alternatives.length > 1)
				return (
					out +
					this.#either(
						alternatives.map((alternative) => sequenceOf([alternative, ...rest])),
						known,
					)
				);
			out += this.emit(item, known);
		}
		return out;
	}

	/** A group of `item` that may or may not have matched, and that a later item refers to. */
	#undecided(item: Node, rest: readonly Node[]): number | undefined {
		return groupsIn(item).find(
			(group) => rest.some((later) => refersTo(later, group)) && participates(item, group) === "maybe",
		);
	}

	#either(branches: readonly Node[], known: Known): string {
		const ends: Known[] = [];
		const sources = branches.map((branch) => {
			const end = new Map(known);
			ends.push(end);
			return this.emit(branch, end);
		});
		merge(known, ends);
		return `(?:${sources.join("|")})`;
	}

	#repeat({ min, max, lazy, of }: Repeat, known: Known): string {
		if (max === 0) return "";
		const inside = new Map(known);
		// from the second iteration on, the state of the groups inside is unknown
		if (max > 1) for (const group of groupsIn(of)) inside.delete(group);
		const source = this.emit(of, inside);
		if (min > 0) for (const group of groupsIn(of)) carry(known, inside, group);
		else merge(known, [new Map(known), inside]);
		// JavaScript rejects an iteration that matches the empty string, which matters if there is only one
		if (min === 0 && max === 1 && isNullable(of)) return lazy ? `(?:|${source})` : `(?:${source}|)`;
		const count =
			min === 0 && max === 1
				? "?"
				: max !== Number.POSITIVE_INFINITY
					? `{${min},${max}}`
					: min < 2
						? min === 0
							? "*"
							: "+"
						: `{${min},}`;
		return `${isUnit(source) ? source : `(?:${source})`}${count}${lazy ? "?" : ""}`;
	}

	#group({ number, of }: Extract<Node, { type: "group" }>, known: Known): string {
		const mine = ++this.#count;
		this.groups[number]?.push(mine);
		const source = this.emit(of, known);
		known.set(number, mine);
		return `(${source})`;
	}

	/** JavaScript never backtracks into a look-ahead, so a backreference to its capture is atomic. */
	#atomic(of: Node, known: Known): string {
		// look-behinds have a fixed width, so there is nothing to backtrack into
		if (this.#isLookbehind) return `(?:${this.emit(of, known)})`;
		const mine = ++this.#count;
		return `(?:(?=(${this.emit(of, known)}))\\${mine})`;
	}

	#look({ isBehind, negated, of }: Extract<Node, { type: "look" }>, known: Known): string {
		const outer = this.#isLookbehind;
		this.#isLookbehind = isBehind;
		const source = this.emit(of, negated ? new Map(known) : known);
		this.#isLookbehind = outer;
		return `(?${isBehind ? "<" : ""}${negated ? "!" : "="}${source})`;
	}

	#conditional(node: Extract<Node, { type: "reference" | "condition" }>, known: Known): string {
		const group = known.get(node.group);
		if (group === undefined)
			throw new FlowtapeError(
				"FT_BAD_PATTERN",
				`it is unknown whether group ${node.group} has matched where it is referred to: this is not supported`,
			);
		if (node.type === "condition") return `(?:${this.emit(group === null ? node.no : node.yes, known)})`;
		return group === null ? "(?!)" : `(?:\\${group})`;
	}
}

/** Whether a source is one character, class or group, so that a repeat can follow without parentheses. */
function isUnit(source: string): boolean {
	return /^(?:[^\\^$]|\\x..|\\u\{[^}]*\}|\[(?:[^[\]\\]|\\.)*\]|\((?:\?:)?[^()?][^()]*\))$/.test(source);
}

function point(code: number): string {
	const char = String.fromCodePoint(code);
	return /[A-Za-z0-9]/.test(char) ? char : code > 0xff ? `\\u{${code.toString(16)}}` : hex(code);
}

function hex(code: number): string {
	return `\\x${code.toString(16).padStart(2, "0")}`;
}

/** The members of a set up to `last`, as the shortest class, negated or not. */
function narrowSet(set: CharSet, last: number): string {
	const isIn = Array.from({ length: last + 1 }, (_, code) => contains(set, code));
	const negated = isIn.filter(Boolean).length > last / 2;
	let members = "";
	let count = 0;
	for (let code = 0; code <= last; code++) {
		if (isIn[code] === negated) continue;
		const low = code;
		while (code < last && isIn[code + 1] !== negated) code++;
		members += low === code ? short(low) : `${short(low)}-${short(code)}`;
		count += code - low + 1;
	}
	return count === 1 && !negated ? members : `[${negated ? "^" : ""}${members}]`;
}

function short(code: number): string {
	const char = String.fromCharCode(code);
	return /[A-Za-z0-9 "'%&,/:;<=>@_`~!#]/.test(char) ? char : hex(code);
}

function sequenceOf(items: readonly Node[]): Node {
	return { type: "sequence", of: items };
}

function groupsIn(node: Node): number[] {
	const own = node.type === "group" ? [node.number] : [];
	return [...own, ...childrenOf(node).flatMap(groupsIn)];
}

function refersTo(node: Node, group: number): boolean {
	return someNode(node, (inner) => (inner.type === "reference" || inner.type === "condition") && inner.group === group);
}

/** Whether a group has matched once `node` has matched. */
function participates(node: Node, group: number): "always" | "maybe" | "never" {
	if (node.type === "group" && node.number === group) return "always";
	const inside = childrenOf(node).map((child) => participates(child, group));
	if (inside.every((part) => part === "never")) return "never";
	if (node.type === "either" || node.type === "condition")
		return inside.every((part) => part === "always") ? "always" : "maybe";
	if ((node.type === "look" && node.negated) || (node.type === "repeat" && node.max === 0)) return "never";
	if (node.type === "repeat" && node.min === 0) return "maybe";
	return inside.includes("always") ? "always" : "maybe";
}

/**
 * Splits `node` into alternatives, in matching order. In each alternative the group either always matches or never
 * does. null: not possible.
 */
function splitByGroup(node: Node, group: number): readonly Node[] | null {
	if (participates(node, group) !== "maybe") return [node];
	const wrapped = (of: Node, wrap: (alternative: Node) => Node) => splitByGroup(of, group)?.map(wrap) ?? null;
	switch (node.type) {
		case "group":
			return wrapped(node.of, (of) => ({ ...node, of }));
		case "sequence": {
			const at = node.of.findIndex((item) => groupsIn(item).includes(group));
			return wrapped(node.of[at] as Node, (alternative) => sequenceOf(node.of.with(at, alternative)));
		}
		case "either": {
			const alternatives = node.of.map((branch) => splitByGroup(branch, group));
			return alternatives.includes(null) ? null : alternatives.flatMap((alternative) => alternative ?? []);
		}
		case "repeat": {
			if (node.min > 0 || (node.max > 1 && participates(node.of, group) !== "always")) return null;
			const some = node.max === 1 ? splitByGroup(node.of, group) : [{ ...node, min: 1 }];
			return some === null ? null : node.lazy ? [nothing, ...some] : [...some, nothing];
		}
		default:
			return null;
	}
}

/** After alternatives, the state of a group is known only if all branches agree. */
function merge(known: Known, ends: readonly Known[]): void {
	for (const group of new Set(ends.flatMap((end) => [...end.keys()]))) {
		const [first, ...others] = ends.map((end) => end.get(group));
		if (first !== undefined && others.every((other) => other === first)) known.set(group, first);
		else known.delete(group);
	}
}

function carry(known: Known, from: Known, group: number): void {
	const value = from.get(group);
	if (value === undefined) known.delete(group);
	else known.set(group, value);
}
