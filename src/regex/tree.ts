// A Python regular expression as a tree, the way its author meant it: flags are already folded into the nodes they touch.

/** Which letters count as equal: none, A to Z alone, or by Unicode. */
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
	/** `\d`, `\s`, `\w` know ASCII alone. */
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
	/** Any character, or any but a line feed. */
	| { readonly type: "any"; readonly newline: boolean }
	| { readonly type: "sequence"; readonly of: readonly Node[] }
	| { readonly type: "either"; readonly of: readonly Node[] }
	| { readonly type: "group"; readonly number: number; readonly of: Node }
	/** What it matched is never given back; possessive repeats are atomic groups around greedy ones. */
	| { readonly type: "atomic"; readonly of: Node }
	| { readonly type: "look"; readonly behind: boolean; readonly negated: boolean; readonly of: Node }
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

/** The nodes directly inside. */
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

/** Whether a node or one inside passes a test. */
export function someNode(node: Node, test: (node: Node) => boolean): boolean {
	return test(node) || childrenOf(node).some((child) => someNode(child, test));
}

/** Least and largest number of characters that a node can match, Infinity where there is no bound. */
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
