// JSON that is safe to print in a terminal: special characters are escaped, so it parses to the same value.

/**
 * C1 control characters and DEL (JSON escapes the other ASCII ones), bidirectional formatting characters, and
 * characters that Unicode and Python's `splitlines` treat as line breaks.
 */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * @param space the indentation of one level; default: all on one line
 * @throws RangeError if the text exceeds the longest possible string
 */
export function jsonText(value: unknown, space?: string): string {
	return JSON.stringify(value, null, space).replace(
		UNSAFE,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
