// Parses the value of a Content-Type header: the media type and its parameters (RFC 9110 section 8.3.1).

export interface MediaType {
	/** Type and subtype in lower case, such as `text/html`; empty if there is none. */
	readonly essence: string;
	/** The value of a parameter, without quotes; null if it is missing or empty. Names are case-insensitive. */
	parameter(name: string): string | null;
}

/**
 * Parses any value without an error. If the semicolon before the parameters is missing, the essence is found but the
 * parameters are not.
 */
export function parseMediaType(contentType: string | null): MediaType {
	return {
		essence: /^\s*([^\s;,]+)/.exec(contentType ?? "")?.[1]?.toLowerCase() ?? "",
		parameter: (name) => parameterOf(contentType ?? "", name.toLowerCase()),
	};
}

/**
 * A parameter, with or without quotes. Spaces around `=` are accepted, although RFC 9110 section 5.6.6 does not allow
 * them.
 */
const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/g;

function parameterOf(contentType: string, wanted: string): string | null {
	for (const [, name, quoted, token] of contentType.matchAll(PARAMETER)) {
		if (name?.toLowerCase() === wanted) return (quoted?.replace(/\\(.)/g, "$1") ?? token) || null;
	}
	return null;
}

/**
 * Whether an essence means JSON: `application/json`, `text/json`, or anything that ends in `+json` (RFC 6839 section
 * 3.1).
 */
export function isJsonType(essence: string): boolean {
	return /[/+]json$/.test(essence);
}
