// Values that scripts and other tools attach to flows. The types preserve the distinctions of mitmproxy's dumps, such
// as the one between `1` and `1.0`.

/** A float with a whole value, such as `1.0`: Python distinguishes it from `1`. */
export class Float {
	readonly value: number;

	constructor(value: number) {
		this.value = value;
	}
}

/** Whole `number`s and `bigint`s are integers, other `number`s floats. */
export type MetaValue =
	| null
	| boolean
	| number
	| bigint
	| Float
	| string
	| Uint8Array
	| MetaValue[]
	| { [key: string]: MetaValue };

/** Notes on a flow or a tape, by name. */
export type Metadata = { [key: string]: MetaValue };

/** Whether a value is a dictionary: not a list, bytes or `Float`. */
export function isDictionary(value: MetaValue): value is { [key: string]: MetaValue } {
	return (
		typeof value === "object" &&
		value !== null &&
		!Array.isArray(value) &&
		!(value instanceof Uint8Array) &&
		!(value instanceof Float)
	);
}
