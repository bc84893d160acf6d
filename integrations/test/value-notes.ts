// The notes of a tape that hold the values of `tape.value`.
import type { Metadata, MetaValue } from "../../src/flow/metadata.ts";

const PREFIX = "flowtape:value:";

/** The notes for values, which are JSON by name. */
export function notesOfValues(values: Readonly<Record<string, string>>): Metadata {
	return Object.fromEntries(Object.entries(values).map(([name, json]) => [PREFIX + name, json satisfies MetaValue]));
}

/** The values in the notes of a tape, as JSON by name. */
export function valuesOfNotes(notes: Metadata): Record<string, string> {
	const values: Record<string, string> = {};
	for (const [name, value] of Object.entries(notes))
		if (name.startsWith(PREFIX) && typeof value === "string") values[name.slice(PREFIX.length)] = value;
	return values;
}
