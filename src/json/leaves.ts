// Builds JSON pointers (RFC 6901), and lists the leaves of a JSON value with their pointers.

/** Values nested more deeply are left out. */
const DEPTH_LIMIT = 100;

/** Escapes a key or index for a pointer (RFC 6901 section 3). */
export function pointerPart(key: string): string {
	return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}

/** The pointer of a path: `["a", "b/c"]` gives `/a/b~1c`. An empty path gives the empty string, the whole document. */
export function pointerOf(path: readonly string[]): string {
	let pointer = "";
	for (const key of path) pointer += `/${pointerPart(key)}`;
	return pointer;
}

/** The keys of a pointer, the inverse of `pointerOf`. */
export function keysOf(pointer: string): string[] {
	return pointer
		.split("/")
		.slice(1)
		.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Yields the strings and numbers in a parsed JSON value, as text, each with its pointer. */
export function* leavesOf(value: unknown, pointer = "", depth = 0): Generator<[pointer: string, value: string]> {
	if (typeof value === "string" || typeof value === "number") yield [pointer, String(value)];
	else if (typeof value === "object" && value !== null && depth < DEPTH_LIMIT)
		for (const [key, item] of Object.entries(value)) yield* leavesOf(item, `${pointer}/${pointerPart(key)}`, depth + 1);
}
