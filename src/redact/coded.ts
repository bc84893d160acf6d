// Tells quickly whether a value may be coded text: JSON, a URL, a query, percent-encoded or base64.
import type { ByteString } from "../flow/bytes.ts";

/** Shorter values are not decoded. */
const SHORTEST = 12;

/** A value of base64 or base64url. */
export const BASE64 = /^(?:[A-Za-z0-9+/]+|[A-Za-z0-9_-]+)={0,2}$/;

const [OPEN_ARRAY, OPEN_OBJECT] = [0x5b, 0x7b];

/** False for most values: words, sentences, dates, short identifiers. */
export function mayBeCoded(value: ByteString): boolean {
	if (value.length < SHORTEST) return false;
	const first = value.charCodeAt(0);
	if (first === OPEN_OBJECT || first === OPEN_ARRAY) return true;
	if (value.includes("=") || value.includes("%") || value.includes("?") || value.includes("@")) return true;
	// a URL without parameters has secrets only in its path
	return value.includes("://") || BASE64.test(value);
}
