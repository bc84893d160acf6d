// String literals of JavaScript.
import type { ByteString } from "../flow/bytes.ts";

/** A literal of printable ASCII, in which each character is one of the bytes. */
export function jsLiteral(text: ByteString): string {
	return JSON.stringify(text).replace(
		/[^ -~]/g,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
