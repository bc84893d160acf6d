// Walks through a JSON text and reports the position of each value, so that single values can be compared, ignored or
// changed in place.

/**
 * Called for each value. `text.slice(from, to)` is the string, number or literal, or the opening bracket of an object
 * or array. `path`: the keys and indexes that lead to the value; the array is reused for the next call.
 */
export type JsonVisitor = (path: readonly string[], from: number, to: number) => void;

/** Texts that are nested more deeply are rejected. */
const DEPTH_LIMIT = 200;
/** Texts with more values are rejected. */
const VALUE_LIMIT = 200_000;

const [QUOTE, COMMA, COLON, OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [
	0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d,
];

/**
 * Calls `visit` for each value of a JSON text. Returns false, without any call, if the text is not JSON, is nested too
 * deeply or has too many values.
 */
export function walkJson(text: string, visit: JsonVisitor): boolean {
	if (!isJson(text)) return false;
	const path: string[] = [];
	/** The current index in each open array; -1: an open object. */
	const indexes: number[] = [];
	let isKey = false;
	for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
		switch (text.charCodeAt(at)) {
			case OPEN_ARRAY:
			case OPEN_OBJECT: {
				visit(path, at, at + 1);
				isKey = text.charCodeAt(at++) === OPEN_OBJECT;
				indexes.push(isKey ? -1 : 0);
				path.push("0");
				break;
			}
			case CLOSE_ARRAY:
			case CLOSE_OBJECT:
				indexes.pop();
				path.pop();
				isKey = false;
				at++;
				break;
			case COMMA: {
				const last = indexes.length - 1;
				const index = indexes[last] as number;
				isKey = index < 0;
				if (!isKey) {
					indexes[last] = index + 1;
					path[last] = String(index + 1);
				}
				at++;
				break;
			}
			case COLON:
				at++;
				break;
			default: {
				const end = tokenEnd(text, at);
				if (isKey) path[path.length - 1] = stringOf(text.slice(at, end));
				else visit(path, at, end);
				isKey = false;
				at = end;
			}
		}
	}
	return true;
}

/** The value of a JSON string token. */
export function stringOf(token: string): string {
	return token.includes("\\") ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** Whether a text is within the limits: parsing a text beyond them could take a hundred times its size in memory. */
function isWithinLimits(text: string): boolean {
	let [depth, marks] = [0, 0];
	for (let at = 0; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === QUOTE) at = stringEnd(text, at);
		else if (code === OPEN_ARRAY || code === OPEN_OBJECT) {
			if (++depth > DEPTH_LIMIT || ++marks > VALUE_LIMIT) return false;
		} else if (code === CLOSE_ARRAY || code === CLOSE_OBJECT) depth--;
		else if (code === COMMA && ++marks > VALUE_LIMIT) return false;
	}
	return true;
}

/** Index of the quote that ends a string, or the end of the text. */
function stringEnd(text: string, from: number): number {
	let at = from + 1;
	for (; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === QUOTE) return at;
		if (code === BACKSLASH) at++;
	}
	return at;
}

/** Whether a text is JSON and within the limits. */
export function isJson(text: string): boolean {
	if (!isWithinLimits(text)) return false;
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

/** Index of the first character at or after `from` that is not white space. */
export function skipSpace(text: string, from: number): number {
	let at = from;
	while (isSpace(text.charCodeAt(at))) at++;
	return at;
}

function isSpace(code: number): boolean {
	return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Index after the value that begins at `from` in a valid text. An object or array ends after its closing bracket. */
export function valueEnd(text: string, from: number): number {
	const first = text.charCodeAt(from);
	if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) return tokenEnd(text, from);
	let depth = 0;
	for (let at = from; ; at++) {
		const code = text.charCodeAt(at);
		if (code === QUOTE) at = stringEnd(text, at);
		else if (code === OPEN_ARRAY || code === OPEN_OBJECT) depth++;
		else if ((code === CLOSE_ARRAY || code === CLOSE_OBJECT) && --depth === 0) return at + 1;
	}
}

/** Index after the string, number or literal that begins at `from`. */
export function tokenEnd(text: string, from: number): number {
	if (text.charCodeAt(from) === QUOTE) return stringEnd(text, from) + 1;
	let at = from + 1;
	for (; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === COMMA || code === CLOSE_ARRAY || code === CLOSE_OBJECT || isSpace(code)) break;
	}
	return at;
}
