// The syntax tree of a Python regular expression. Flags are already resolved into the nodes that they affect.

/** Which letters are case-insensitive: none, only A to Z, or all letters of Unicode. */
export type Fold = "none" | "ascii" | "unicode";

export type ClassName = "d" | "D" | "s" | "S" | "w" | "W";

/** A range of code points, both ends included. */
export type Range = readonly [low: number, high: number];

/** A set of characters: `[…]`, `\d` and the like, or a single character. */
export interface CharSet {
	readonly type: "set";
	readonly negated: boolean;
	readonly ranges: readonly Range[];
	readonly classes: readonly ClassName[];
	readonly fold: Fold;
	/** `\d`, `\s`, `\w` match only ASCII. */
	readonly ascii: boolean;
}

export type Anchor = "start" | "end" | "lastLineEnd" | "lineStart" | "lineEnd" | "boundary" | "notBoundary";

export interface Repeat {
	readonly type: "repeat";
	readonly min: number;
	readonly max: number;
	readonly lazy: boolean;
	readonly of: Node;
}

export type Node =
	| CharSet
	| Repeat
	/** `.`: any character; a line feed only with `newline`. */
	| { readonly type: "any"; readonly newline: boolean }
	| { readonly type: "sequence"; readonly of: readonly Node[] }
	| { readonly type: "either"; readonly of: readonly Node[] }
	| { readonly type: "group"; readonly number: number; readonly of: Node }
	/** The engine never backtracks into an atomic group. A possessive repeat is an atomic group around a greedy one. */
	| { readonly type: "atomic"; readonly of: Node }
	| { readonly type: "look"; readonly isBehind: boolean; readonly negated: boolean; readonly of: Node }
	| { readonly type: "anchor"; readonly at: Anchor; readonly ascii: boolean }
	| { readonly type: "reference"; readonly group: number; readonly fold: Fold }
	| { readonly type: "condition"; readonly group: number; readonly yes: Node; readonly no: Node };

export interface RegexTree {
	readonly root: Node;
	/** Number of capturing groups. */
	readonly groups: number;
	readonly names: ReadonlyMap<string, number>;
}

export const nothing: Node = { type: "sequence", of: [] };

/** The child nodes. */
export function childrenOf(node: Node): readonly Node[] {
	switch (node.type) {
		case "sequence":
		case "either":
			return node.of;
		case "repeat":
		case "group":
		case "atomic":
		case "look":
			return [node.of];
		case "condition":
			return [node.yes, node.no];
		default:
			return [];
	}
}

/** Whether a node or one of its descendants passes a test. */
export function someNode(node: Node, test: (node: Node) => boolean): boolean {
	return test(node) || childrenOf(node).some((child) => someNode(child, test));
}

/** Minimum and maximum number of characters that a node can match; Infinity: no bound. */
export function widthOf(node: Node, groupWidth: (group: number) => Range): Range {
	const of = (inner: Node) => widthOf(inner, groupWidth);
	switch (node.type) {
		case "set":
		case "any":
			return [1, 1];
		case "anchor":
		case "look":
			return [0, 0];
		case "group":
		case "atomic":
			return of(node.of);
		case "reference":
			return groupWidth(node.group);
		case "sequence":
			return node.of.map(of).reduce<Range>(([low, high], [l, h]) => [low + l, high + h], [0, 0]);
		case "either":
			return spanOf(node.of.map(of));
		case "condition":
			return spanOf([of(node.yes), of(node.no)]);
		case "repeat": {
			const [low, high] = of(node.of);
			return [low * node.min, high === 0 ? 0 : high * node.max];
		}
	}
}

function spanOf(widths: readonly Range[]): Range {
	return [Math.min(...widths.map(([low]) => low)), Math.max(...widths.map(([, high]) => high))];
}

/**
 * How many characters before and after its start a search for a match may look at, at most; Infinity: no bound. It also
 * counts a character for the check that the subject ends.
 */
export function reachOf(node: Node): number {
	switch (node.type) {
		case "set":
		case "any":
			return 1;
		case "anchor":
			return node.at === "start" || node.at === "end" || node.at === "lastLineEnd" ? Number.POSITIVE_INFINITY : 1;
		case "reference":
			return Number.POSITIVE_INFINITY;
		case "repeat":
			return node.max === 0 ? 0 : node.max * Math.max(reachOf(node.of), 1);
		default:
			return childrenOf(node).reduce((sum, child) => sum + reachOf(child), 1);
	}
}
