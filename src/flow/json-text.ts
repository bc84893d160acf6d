// JSON on one line that a person may see in a terminal: the same when it is parsed, and nothing in it that a terminal heeds.

/**
 * Control characters beyond ASCII's (JSON escapes those), characters that turn the direction of text, and line breaks to some readers of lines
 * (Python's `splitlines`, Unicode's), though not to JSON.
 */
const UNSEEN = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** @throws RangeError where the text is longer than a string can be */
export function jsonText(value: unknown): string {
	return JSON.stringify(value).replace(UNSEEN, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
