// Estimates how many steps a backtracking engine may take for a pattern, so that only searches that could run for too
// long get a time limit. Also finds the literal that every match contains.
import { contains } from "./char-set.ts";
import type { RegexKind } from "./read.ts";
import { type CharSet, type Node, type Repeat, someNode } from "./tree.ts";

/** Searches with more steps get a time limit. */
const MAX_STEPS = 5e8;

/** Length of the longest subject, in characters, that can be searched without a time limit; Infinity: any subject. */
export function maxSafeLength(root: Node, kind: RegexKind): number {
	const matches = new MatchCounter(kind);
	const hasLoop = someNode(root, (node) => node.type === "repeat" && node.max > 16);
	const steps = (length: number) => length * matches.count(root, 0n, length) * (hasLoop ? length : 1);
	let length = 2 ** 29;
	while (length > 1 && !(steps(length) <= MAX_STEPS)) length = Math.floor(length / 2);
	return length === 2 ** 29 || (!hasLoop && steps(1000) === 1000) ? Number.POSITIVE_INFINITY : length;
}

/** A set of characters as bits; for text, bit 128 is all non-ASCII characters. */
type Bits = bigint;

/** Counts in how many ways nodes can match. */
class MatchCounter {
	readonly #size: number;
	readonly #kind: RegexKind;
	readonly #bits = new Map<Node, Bits>();

	constructor(kind: RegexKind) {
		this.#kind = kind;
		this.#size = kind === "bytes" ? 256 : 129;
	}

	/**
	 * The number of ways in which a node can match in a text of this length.
	 * @param follow the characters with which the next node can begin
	 */
	count(node: Node, follow: Bits, length: number): number {
		switch (node.type) {
			case "sequence": {
				let [ways, next] = [1, follow];
				for (const item of node.of.toReversed()) {
					ways *= this.count(item, next, length);
					next = this.#first(item) | (isNullable(item) ? next : 0n);
				}
				return ways;
			}
			case "either":
				return this.#either(node.of, follow, length);
			case "condition":
				return this.count(node.yes, follow, length) + this.count(node.no, follow, length);
			case "group":
			case "atomic":
			case "look":
				return this.count(node.of, follow, length);
			case "repeat":
				return this.#repeat(node, follow, length);
			default:
				return 1;
		}
	}

	#either(branches: readonly Node[], follow: Bits, length: number): number {
		const ways = branches.map((branch) => this.count(branch, follow, length));
		let seen = 0n;
		for (const branch of branches) {
			const first = this.#first(branch);
			if ((first & seen) !== 0n || isNullable(branch)) return ways.reduce((sum, each) => sum + each);
			seen |= first;
		}
		return Math.max(...ways);
	}

	#repeat({ min, max, of }: Repeat, follow: Bits, length: number): number {
		const first = this.#first(of);
		const inside = this.count(of, max > 1 ? first | follow : follow, length);
		const rounds = Math.min(max, length);
		if (inside > 1 && max > 1) return inside ** rounds;
		const ends = (first & follow) === 0n && !isNullable(of) ? 1 : Math.max(rounds - min + 1, 1);
		return inside * ends;
	}

	#first(node: Node): Bits {
		let bits = this.#bits.get(node);
		if (bits === undefined) {
			bits = this.#firstOf(node);
			this.#bits.set(node, bits);
		}
		return bits;
	}

	#firstOf(node: Node): Bits {
		const all = (1n << BigInt(this.#size)) - 1n;
		switch (node.type) {
			case "set": {
				let bits = this.#kind === "text" ? 1n << 128n : 0n;
				const last = this.#kind === "text" ? 0x7f : 0xff;
				for (let code = 0; code <= last; code++) if (contains(node, code)) bits |= 1n << BigInt(code);
				const onlyAscii = !node.negated && node.classes.length === 0 && node.ranges.every(([, high]) => high < 0x80);
				return this.#kind === "text" && onlyAscii ? bits & ~(1n << 128n) : bits;
			}
			case "any":
			case "reference":
				return all;
			case "sequence": {
				let bits = 0n;
				for (const item of node.of) {
					bits |= this.#first(item);
					if (!isNullable(item)) break;
				}
				return bits;
			}
			case "either":
				return node.of.reduce((bits, branch) => bits | this.#first(branch), 0n);
			case "condition":
				return this.#first(node.yes) | this.#first(node.no);
			case "group":
			case "atomic":
			case "repeat":
				return this.#first(node.of);
			default:
				return 0n;
		}
	}
}

/** Whether a node can match the empty string. */
export function isNullable(node: Node): boolean {
	switch (node.type) {
		case "set":
		case "any":
			return false;
		case "sequence":
			return node.of.every(isNullable);
		case "either":
			return node.of.some(isNullable);
		case "condition":
			return isNullable(node.yes) || isNullable(node.no);
		case "group":
		case "atomic":
			return isNullable(node.of);
		case "repeat":
			return node.min === 0 || isNullable(node.of);
		default:
			return true;
	}
}

/** The longest run of single characters that every match contains; empty: none. */
export function requiredLiteral(root: Node): readonly Node[] {
	let [best, run]: [Node[], Node[]] = [[], []];
	const end = () => {
		if (run.length > best.length) best = run;
		run = [];
	};
	const visit = (node: Node): void => {
		if (node.type === "set" && isSingle(node)) run.push(node);
		else if (node.type === "sequence") node.of.forEach(visit);
		else if (node.type === "group") visit(node.of);
		else if (node.type === "repeat" && node.min > 0) {
			end();
			visit(node.of);
			end();
		} else if (node.type !== "anchor") end();
	};
	visit(root);
	end();
	return best;
}

function isSingle({ negated, classes, ranges }: CharSet): boolean {
	const [only, more] = ranges;
	return !negated && classes.length === 0 && more === undefined && only !== undefined && only[0] === only[1];
}
