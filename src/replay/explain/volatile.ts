// Recognizes generated values, such as timestamps, identifiers and tokens, by their form.

/** Kinds of generated values. The first kind that both values match is used. */
const kinds: readonly (readonly [kind: string, matches: (value: string) => boolean])[] = [
	["UUID", (value) => /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i.test(value)],
	["JWT", (value) => /^(?:Bearer )?eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(value)],
	["ULID", (value) => /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i.test(value) && /\d/.test(value) && /[a-z]/i.test(value)],
	[
		"date",
		(value) =>
			/^\d{4}-?\d\d-?\d\d[T ]\d\d:?\d\d/.test(value) ||
			/^[A-Z][a-z]{2,8},? \d\d?[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d/.test(value),
	],
	["time in seconds", (value) => isEpoch(value, 1)],
	["time in milliseconds", (value) => isEpoch(value, 1e3)],
	["time in microseconds", (value) => isEpoch(value, 1e6)],
	["random number", (value) => /^0?\.\d{8,}$/.test(value)],
	["hexadecimal token", (value) => /^[0-9a-f]{16,}$/i.test(value) && /\d/.test(value) && /[a-f]/i.test(value)],
	["large number", (value) => /^\d{9,}$/.test(value)],
	["token", looksRandom],
];

/** The kind of two generated values; null: they do not look generated. */
export function volatileKind(a: string, b: string): string | null {
	return kinds.find(([, matches]) => matches(a) && matches(b))?.[0] ?? null;
}

/** Whether a value is a Unix time between 2001 and 2096. */
function isEpoch(value: string, unit: number): boolean {
	const seconds = /^\d{10,16}(?:\.\d+)?$/.test(value) ? Number(value) / unit : 0;
	return seconds >= 1e9 && seconds < 4e9;
}

/** Whether a value mixes upper case, lower case and digits more than words do. */
function looksRandom(value: string): boolean {
	if (!/^[\w+/=.~:-]{12,}$/.test(value)) return false;
	const changes = value.match(/[a-z](?=[A-Z\d])|[A-Z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
	return changes >= value.length / 6;
}
