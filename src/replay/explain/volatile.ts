// Values that are made anew for each request, such as times, identifiers and tokens: told by their looks.

/** What a value looks like, with how to tell. The first that fits both values counts. */
const kinds: readonly (readonly [kind: string, looksSo: (value: string) => boolean])[] = [
	["UUID", (value) => /^\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?$/i.test(value)],
	["JWT", (value) => /^(?:Bearer )?eyJ[\w-]+\.[\w-]+\.[\w-]*$/.test(value)],
	["ULID", (value) => /^[0-7][0-9a-hjkmnp-tv-z]{25}$/i.test(value) && /\d/.test(value) && /[a-z]/i.test(value)],
	["date", (value) => /^\d{4}-?\d\d-?\d\d[T ]\d\d:?\d\d/.test(value) || /^[A-Z][a-z]{2,8},? \d\d?[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d/.test(value)],
	["time in seconds", (value) => isEpoch(value, 1)],
	["time in milliseconds", (value) => isEpoch(value, 1e3)],
	["time in microseconds", (value) => isEpoch(value, 1e6)],
	["random number", (value) => /^0?\.\d{8,}$/.test(value)],
	["hexadecimal token", (value) => /^[0-9a-f]{16,}$/i.test(value) && /\d/.test(value) && /[a-f]/i.test(value)],
	["large number", (value) => /^\d{9,}$/.test(value)],
	["token", isToken],
];

/** What two values that differ have in common that makes them noise; null: they look like something that is meant. */
export function volatileKind(a: string, b: string): string | null {
	return kinds.find(([, looksSo]) => looksSo(a) && looksSo(b))?.[0] ?? null;
}

/** Between 2001 and 2096. */
function isEpoch(value: string, unit: number): boolean {
	const seconds = /^\d{10,16}(?:\.\d+)?$/.test(value) ? Number(value) / unit : 0;
	return seconds >= 1e9 && seconds < 4e9;
}

/** Letters of both cases and digits, too many and too mixed to be words. */
function isToken(value: string): boolean {
	if (!/^[\w+/=.~:-]{12,}$/.test(value)) return false;
	const changes = value.match(/[a-z](?=[A-Z\d])|[A-Z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
	return changes >= value.length / 6;
}
