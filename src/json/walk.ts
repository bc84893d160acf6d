// Walks through a JSON text and reports the position of each value, so that single values can be compared, ignored or
// changed in place.

/**
 * Called for each value. `text.slice(from, to)` is the string, number or literal, or the opening bracket of an object
 * or array. `path`: the keys and indexes that lead to the value; the array is reused for the next call.
 */
export type JsonVisitor = (path: readonly string[], from: number, to: number) => void;

/** Where a walk through a text in pieces is: the path of the last value, and the containers that are open. */
export interface JsonState {
	readonly path: string[];
	/** The next index in each open array; -1: an open object. */
	readonly indexes: number[];
}

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
 * @param state the text is only a piece: it begins where the last one ended, and ends behind a value or an opening
 * bracket; the state is changed to its end. A new state: the piece is the first one.
 */
export function walkJson(text: string, visit: JsonVisitor, state: JsonState | null = null): boolean {
	const tokens = spare ?? new Tokens();
	spare = null;
	const isJson = tokens.read(text, state);
	if (isJson) visitAll(text, tokens, visit, state ?? newJsonState());
	spare = tokens;
	return isJson;
}

/** The state before the first piece of a text. */
export function newJsonState(): JsonState {
	return { path: [], indexes: [] };
}

function visitAll(text: string, { offsets, count }: Tokens, visit: JsonVisitor, { path, indexes }: JsonState): void {
	for (let i = 0; i < count; i += 2) {
		let from = offsets[i] as number;
		let to = offsets[i + 1] as number;
		let first = text.charCodeAt(from);
		if (first === CLOSE_ARRAY || first === CLOSE_OBJECT) {
			indexes.pop();
			path.pop();
			continue;
		}
		const last = indexes.length - 1;
		if (last >= 0) {
			const index = indexes[last] as number;
			if (index >= 0) {
				path[last] = String(index);
				indexes[last] = index + 1;
			} else {
				path[last] = keyAt(text, from, to);
				i += 2;
				from = offsets[i] as number;
				to = offsets[i + 1] as number;
				first = text.charCodeAt(from);
			}
		}
		visit(path, from, to);
		if (first !== OPEN_ARRAY && first !== OPEN_OBJECT) continue;
		indexes.push(first === OPEN_ARRAY ? 0 : -1);
		path.push("0");
	}
}

/** The tokens of the last walk, for the next one; null: a walk is using them. */
let spare: Tokens | null = null;

/** What a JSON text consists of, without white space, commas and colons. */
class Tokens {
	/** Begin and end of each token. */
	offsets = new Int32Array(4096);
	count = 0;

	/** Reads a text or a piece. Returns false if it is not JSON (RFC 8259), or beyond the limits. */
	read(text: string, state: JsonState | null): boolean {
		this.count = 0;
		/** Whether each open container is an object. */
		const isObject = state?.indexes.map((index) => index < 0) ?? [];
		let isBehindValue = isObject.length > 0;
		let marks = 0;
		let at = skipSpace(text, 0);
		// each turn reads a value, and what follows it up to the next one
		for (;;) {
			let code = text.charCodeAt(at);
			if (isBehindValue) isBehindValue = false;
			else if (code === OPEN_OBJECT || code === OPEN_ARRAY) {
				if (isObject.length === DEPTH_LIMIT || ++marks > VALUE_LIMIT) return false;
				this.#add(at, at + 1);
				isObject.push(code === OPEN_OBJECT);
				at = skipSpace(text, at + 1);
				// not empty
				if (text.charCodeAt(at) !== code + 2) {
					if (code === OPEN_OBJECT) at = this.#key(text, at);
					if (at < 0) return false;
					continue;
				}
			} else {
				const end = code === QUOTE ? validStringEnd(text, at) : scalarEnd(text, at);
				if (end < 0) return false;
				this.#add(at, end);
				at = skipSpace(text, end);
			}
			for (;;) {
				if (isObject.length === 0 || (state !== null && at === text.length)) return at === text.length;
				code = text.charCodeAt(at);
				const isInObject = isObject[isObject.length - 1] as boolean;
				if (code === COMMA) {
					if (++marks > VALUE_LIMIT) return false;
					at = skipSpace(text, at + 1);
					if (isInObject) at = this.#key(text, at);
					if (at < 0) return false;
					break;
				}
				if (code !== (isInObject ? CLOSE_OBJECT : CLOSE_ARRAY)) return false;
				this.#add(at, at + 1);
				isObject.pop();
				at = skipSpace(text, at + 1);
			}
		}
	}

	/** Reads a key and its colon. Returns the index of the value; -1: there is no key. */
	#key(text: string, from: number): number {
		const end = text.charCodeAt(from) === QUOTE ? validStringEnd(text, from) : -1;
		if (end < 0) return -1;
		this.#add(from, end);
		const colon = skipSpace(text, end);
		return text.charCodeAt(colon) === COLON ? skipSpace(text, colon + 1) : -1;
	}

	#add(from: number, to: number): void {
		if (this.count === this.offsets.length) {
			const larger = new Int32Array(2 * this.count);
			larger.set(this.offsets);
			this.offsets = larger;
		}
		this.offsets[this.count++] = from;
		this.offsets[this.count++] = to;
	}
}

/** Index after the string that begins at `from`; -1: it is not valid. */
function validStringEnd(text: string, from: number): number {
	for (let at = from + 1; ; at++) {
		const code = text.charCodeAt(at);
		if (code === QUOTE) return at + 1;
		if (code === BACKSLASH) {
			ESCAPE.lastIndex = at;
			if (!ESCAPE.test(text)) return -1;
			at = ESCAPE.lastIndex - 1;
			// control characters, and the end of the text
		} else if (!(code >= SPACE)) return -1;
	}
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const SPACE = 0x20;

/** Index after the number or literal that begins at `from`; -1: there is none. */
function scalarEnd(text: string, from: number): number {
	SCALAR.lastIndex = from;
	return SCALAR.test(text) ? SCALAR.lastIndex : -1;
}

const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** Keys that were read lately, by their length and some characters: most keys of a text occur again and again. */
const keys: string[] = new Array<string>(1024).fill("");

/** Longer keys are not kept. */
const KEY_LIMIT = 200;

/** As `stringOf`, for a key. Equal keys are mostly the same string. */
function keyAt(text: string, from: number, to: number): string {
	const length = to - from - 2;
	if (length === 0) return "";
	const [first, middle, last] = [from + 1, (from + to) >> 1, to - 2];
	const mixed =
		text.charCodeAt(first) + (text.charCodeAt(middle) << 8) + (text.charCodeAt(last) << 16) + (length << 24);
	const slot = Math.imul(mixed, 0x9e3779b1) >>> 22;
	const known = keys[slot] as string;
	if (known.length === length && text.startsWith(known, from + 1)) return known;
	const token = text.slice(from, to);
	if (token.includes("\\") || length > KEY_LIMIT) return stringOf(token);
	// a copy, which does not keep the whole text in memory
	const key = Buffer.from(token.slice(1, -1)).toString();
	keys[slot] = key;
	return key;
}

/** The value of a JSON string token. */
export function stringOf(token: string): string {
	return token.includes("\\") ? (JSON.parse(token) as string) : token.slice(1, -1);
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
	return walkJson(text, () => {});
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
