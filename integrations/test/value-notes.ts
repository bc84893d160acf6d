// The notes of a tape that hold the values of `tape.value`.
import type { Metadata } from "../../src/flow/metadata.ts";

const PREFIX = "flowtape:value:";

/** The notes for values, which are JSON by name. */
export function notesOfValues(values: ReadonlyMap<string, string>): Metadata {
	return Object.fromEntries([...values].map(([name, json]) => [PREFIX + name, json]));
}

/** The values in the notes of a tape, as JSON by name. */
export function valuesOfNotes(notes: Metadata): Map<string, string> {
	const values = new Map<string, string>();
	for (const [name, value] of Object.entries(notes))
		if (name.startsWith(PREFIX) && typeof value === "string") values.set(name.slice(PREFIX.length), value);
	return values;
}
