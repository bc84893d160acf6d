// Goes through a JSON text value by value and says where each stands, so that single values can be compared, left out or changed in place.

/**
 * Told of each value: string, number, literal, or the bracket that opens an object or array, which is `text.slice(from, to)`.
 * `path`: the keys and indexes that lead to it, in one array that changes from call to call.
 */
export type JsonVisitor = (path: readonly string[], from: number, to: number) => void;

/** Deeper texts are not gone through: nobody means them. */
const DEPTH_LIMIT = 200;
/** Nor are texts of more values. */
const VALUE_LIMIT = 200_000;

const [QUOTE, COMMA, COLON, OPEN_ARRAY, BACKSLASH, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d];

/** False when the text is no JSON, nested too deeply, or has too many values; what was visited then does not count. */
export function walkJson(text: string, visit: JsonVisitor): boolean {
	if (!isJson(text)) return false;
	const path: string[] = [];
	/** The index in each open array, -1 for an open object. */
	const indexes: number[] = [];
	let isKey = false;
	for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
		switch (text.charCodeAt(at)) {
			case OPEN_ARRAY:
			case OPEN_OBJECT: {
				if (path.length === DEPTH_LIMIT) return false;
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

/** The string that a JSON string stands for. */
export function stringOf(token: string): string {
	return token.includes("\\") ? (JSON.parse(token) as string) : token.slice(1, -1);
}

/** Whether it is worth to be parsed: what is nested too deeply or has too many values would take a hundred times its size in memory. */
function isModest(text: string): boolean {
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

/** The place of the quote that ends a string, or the end of the text. */
function stringEnd(text: string, from: number): number {
	let at = from + 1;
	for (; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === QUOTE) return at;
		if (code === BACKSLASH) at++;
	}
	return at;
}

function isJson(text: string): boolean {
	if (!isModest(text)) return false;
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

function skipSpace(text: string, from: number): number {
	let at = from;
	while (isSpace(text.charCodeAt(at))) at++;
	return at;
}

function isSpace(code: number): boolean {
	return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** Where a string, number or literal ends that begins at `from`. */
function tokenEnd(text: string, from: number): number {
	let at = from + 1;
	if (text.charCodeAt(from) === QUOTE) {
		while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
		return at + 1;
	}
	for (; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === COMMA || code === CLOSE_ARRAY || code === CLOSE_OBJECT || isSpace(code)) break;
	}
	return at;
}
