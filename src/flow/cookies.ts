// Parses Cookie and Set-Cookie headers (RFC 6265), and finds the expiry dates in them.
import type { ByteString } from "./bytes.ts";
import { parseHttpDate } from "./date.ts";
import type { Pair } from "./pairs.ts";

/** Splits a cookie at the first `=` and trims both sides (RFC 6265 section 5.2). Without `=`, all of it is the name. */
export function cookiePair(text: string): Pair {
	const equals = text.indexOf("=");
	return equals < 0 ? [text.trim(), ""] : [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

/** The cookies of a Cookie header, in order (RFC 6265 section 4.2.1). */
export function cookiePairs(header: string): Pair[] {
	return header
		.split(";")
		.map(cookiePair)
		.filter(([name, value]) => name !== "" || value !== "");
}

export interface SetCookie {
	readonly name: string;
	readonly value: string;
	/** In order; names in the case in which they were sent. */
	readonly attributes: readonly Pair[];
}

/** Parses a Set-Cookie header (RFC 6265 section 4.1.1). */
export function parseSetCookie(header: string): SetCookie {
	const [pair = "", ...attributes] = header.split(";");
	const [name, value] = cookiePair(pair);
	return { name, value, attributes: attributes.map(cookiePair) };
}

/** A date in the value of a header: `value.slice(from, to)`. */
export interface DateSpan {
	from: number;
	to: number;
	/** Seconds since 1970. */
	seconds: number;
}

const EXPIRES = /;\s*expires\s*=\s*"?([^;"]*)/gi;
/** Some servers join cookies with commas: a comma, a name and `=` begin the next cookie. */
const NEXT_COOKIE = /,\s*[^\s,;=]+=/;

/** The valid dates of the `expires` attributes in a Set-Cookie value, which may hold several cookies. */
export function findExpiries(setCookie: ByteString): DateSpan[] {
	const spans: DateSpan[] = [];
	for (const match of setCookie.matchAll(EXPIRES)) {
		const value = match[1] as string;
		const date = value.slice(0, NEXT_COOKIE.exec(value)?.index ?? value.length).trimEnd();
		const seconds = parseHttpDate(date);
		const from = match.index + match[0].length - value.length;
		if (seconds !== null) spans.push({ from, to: from + date.length, seconds });
	}
	return spans;
}
