// Names of fields, parameters and cookies as options give them: a name, or a pattern in which `*` stands for any characters.

/** Whether a name is meant. */
export type NamePattern = (name: string) => boolean;

/** Whether a name is one of several; null for none at all. `ignoreCase`: of header fields, say. */
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

export function isPattern(word: string): boolean {
	return word.includes("*");
}

/** Takes time in proportion to the name's length, unlike a regular expression. */
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
