// The characters in a set of a Python regular expression, by Python's case folding and its definitions of \d, \s and
// \w.
import type { CharSet, ClassName, Fold, Range } from "./tree.ts";

const UNICODE_CLASSES = {
	d: "\\p{Nd}",
	s: "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000",
	w: "\\p{L}\\p{N}_",
} as const;
const ASCII_CLASSES = { d: "0-9", s: "\\t-\\r\\x20", w: "0-9A-Z_a-z" } as const;

/** A class such as `\w` as the content of brackets in a JavaScript expression with the flag `v`. */
export function classSource(name: ClassName, ascii: boolean): string {
	const lower = name.toLowerCase() as keyof typeof UNICODE_CLASSES;
	const source = (ascii ? ASCII_CLASSES : UNICODE_CLASSES)[lower];
	return name === lower ? source : `[^${source}]`;
}

const tests = new Map<string, RegExp>();

function isInClass(name: ClassName, ascii: boolean, code: number): boolean {
	const source = classSource(name, ascii);
	let test = tests.get(source);
	if (test === undefined) {
		test = new RegExp(`^[${source}]$`, "v");
		tests.set(source, test);
	}
	return test.test(String.fromCodePoint(code));
}

/** Non-ASCII letters that equal ASCII ones under Unicode case folding. */
const NON_ASCII: Readonly<Record<string, readonly number[]>> = { i: [0x130, 0x131], s: [0x17f], k: [0x212a] };

/** All code points that equal a code point when letters are folded in this way, itself included. */
export function equalLetters(code: number, fold: Fold): readonly number[] {
	if (fold === "none") return [code];
	if (code < 0x80) {
		const lower = String.fromCharCode(code).toLowerCase();
		if (!/[a-z]/.test(lower)) return [code];
		const both = [lower.charCodeAt(0) - 32, lower.charCodeAt(0)];
		return fold === "unicode" ? [...both, ...(NON_ASCII[lower] ?? [])] : both;
	}
	return fold === "unicode" ? (casedLetters().get(code) ?? [code]) : [code];
}

let caseTable: Map<number, readonly number[]> | undefined;

/** No letter beyond this has two cases. */
const LAST_CASED = 0x1ffff;

/**
 * For each letter, the letters that equal it: those with the same lower case, and those whose lower cases have the same
 * upper case.
 */
function casedLetters(): Map<number, readonly number[]> {
	if (caseTable !== undefined) return caseTable;
	const byUpper = new Map<string, number[]>();
	for (let code = 0x41; code <= LAST_CASED; code++) {
		const char = String.fromCodePoint(code);
		// the only letter whose lower case has two characters; Python uses the first
		const lower = code === 0x130 ? "i" : char.toLowerCase();
		const upper = lower.toUpperCase();
		if (upper === char && lower === char) continue;
		const equal = byUpper.get(upper);
		if (equal === undefined) byUpper.set(upper, [code]);
		else equal.push(code);
	}
	caseTable = new Map();
	for (const equal of byUpper.values()) if (equal.length > 1) for (const code of equal) caseTable.set(code, equal);
	return caseTable;
}

/** Whether a set contains a code point. */
export function contains(set: CharSet, code: number): boolean {
	const isIn =
		equalLetters(code, set.fold).some((equal) => set.ranges.some(([low, high]) => low <= equal && equal <= high)) ||
		set.classes.some((name) => isInClass(name, set.ascii, code));
	return isIn !== set.negated;
}

/** The ranges of a set, and all letters that equal one in them. */
export function foldedRanges(set: CharSet): readonly Range[] {
	if (set.fold === "none") return set.ranges;
	const added = new Set<number>();
	for (const [low, high] of set.ranges) {
		const isInRange = (code: number) => low <= code && code <= high;
		for (let code = 0x41; code <= 0x7a; code++)
			if (isInRange(code)) for (const equal of equalLetters(code, set.fold)) added.add(equal);
		if (set.fold === "unicode" && high >= 0x80) addEqual(low, high, added);
	}
	return [...set.ranges, ...[...added].map((code): Range => [code, code])];
}

function addEqual(low: number, high: number, added: Set<number>): void {
	if (high - low < 1000) {
		for (let code = Math.max(low, 0x80); code <= high; code++)
			for (const equal of equalLetters(code, "unicode")) added.add(equal);
		return;
	}
	for (const [code, equal] of casedLetters())
		if (low <= code && code <= high) for (const other of equal) added.add(other);
}
