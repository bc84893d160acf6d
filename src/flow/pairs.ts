// Lists of name–value pairs: query parameters, cookies, form fields, header fields.

export type Pair = readonly [name: string, value: string];

/** In order; a name may occur several times. */
export type Pairs = readonly Pair[];

/** The values of each name. Names and values keep their order. */
export function valuesByName(pairs: Pairs): Map<string, string[]> {
	const groups = new Map<string, string[]>();
	for (const [name, value] of pairs) {
		const group = groups.get(name);
		if (group === undefined) groups.set(name, [value]);
		else group.push(value);
	}
	return groups;
}
