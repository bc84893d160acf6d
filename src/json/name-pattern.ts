// Patterns for names of headers, parameters and cookies in options: `*` matches any characters.

/** Whether a name matches. */
export type NamePattern = (name: string) => boolean;

/** Compiles several patterns to one; null: there are none. `ignoreCase`: ignore case, as for headers. */
export function compileNames(patterns: readonly string[] = [], { ignoreCase = false } = {}): NamePattern | null {
	if (patterns.length === 0) return null;
	const words = ignoreCase ? patterns.map((pattern) => pattern.toLowerCase()) : patterns;
	const exact = new Set(words.filter((word) => !isPattern(word)));
	const matchers = words.filter(isPattern).map(compileName);
	return (name) => {
		const word = ignoreCase ? name.toLowerCase() : name;
		return exact.has(word) || matchers.some((matches) => matches(word));
	};
}

/** Whether a word has a `*`, so that it can match several names. */
export function isPattern(word: string): boolean {
	return word.includes("*");
}

/** Compiles one pattern; it is case-sensitive. Unlike with a regular expression, matching takes linear time. */
export function compileName(pattern: string): NamePattern {
	const [first = "", ...others] = pattern.split("*");
	const last = others.pop();
	if (last === undefined) return (name) => name === pattern;
	return (name) => {
		if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
		const end = name.length - last.length;
		let at = first.length;
		for (const part of others) {
			const found = name.indexOf(part, at);
			if (found < 0 || found + part.length > end) return false;
			at = found + part.length;
		}
		return true;
	};
}
