// JSON pointers (RFC 6901) and the values at the leaves of a JSON text that they name.

/** Deeper values are left out. */
const DEPTH_LIMIT = 100;

/** A key or an index as one part of a pointer (RFC 6901 section 3). */
export function pointerPart(key: string): string {
	return /[~/]/.test(key) ? key.replaceAll("~", "~0").replaceAll("/", "~1") : key;
}

/** The pointer of a path: `["a", "b/c"]` is `/a/b~1c`, and an empty path is the empty string, the whole text. */
export function pointerOf(path: readonly string[]): string {
	let pointer = "";
	for (const key of path) pointer += `/${pointerPart(key)}`;
	return pointer;
}

/** The strings and numbers of a parsed JSON text as text, each with its pointer. */
export function* leavesOf(value: unknown, pointer = "", depth = 0): Generator<[pointer: string, value: string]> {
	if (typeof value === "string" || typeof value === "number") yield [pointer, String(value)];
	else if (typeof value === "object" && value !== null && depth < DEPTH_LIMIT)
		for (const [key, item] of Object.entries(value)) yield* leavesOf(item, `${pointer}/${pointerPart(key)}`, depth + 1);
}
