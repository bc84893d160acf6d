// Values that scripts and other tools attach to flows. Typed finely enough that a dump gets back what it held.

/** A number that was written as a float though it is whole: `1.0` is not `1` to the tools that wrote it. */
export class Float {
	readonly value: number;

	constructor(value: number) {
		this.value = value;
	}
}

/** Whole `number`s and `bigint`s are integers, other `number`s floats. */
export type MetaValue = null | boolean | number | bigint | Float | string | Uint8Array | MetaValue[] | { [key: string]: MetaValue };

export type Metadata = { [key: string]: MetaValue };

/** Whether a value is a dictionary, and neither list nor bytes nor `Float`. */
export function isDictionary(value: MetaValue): value is { [key: string]: MetaValue } {
	return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof Float);
}
