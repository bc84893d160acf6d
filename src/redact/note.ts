// The note on a redacted tape: the rules by which it was redacted, so that replay applies them to live requests too.
import type { Metadata, MetaValue } from "../flow/metadata.ts";
import { isDictionary } from "../flow/metadata.ts";
import { defaults, type OptionTable } from "../options.ts";
import { NOTE, options, type RedactionValues } from "./options.ts";
import { compileRules, type RedactionRules } from "./rules.ts";

/**
 * The version of the default rules and of their options. It grows when a rule changes what is redacted: the keys in tapes
 * of another version are not used.
 */
export const RULES_VERSION = 1;

/** The options that decide what is replaced; environment variables and exceptions belong to one machine. */
const MATCHING = [
	"redact_header",
	"redact_param",
	"redact_cookie",
	"redact_json",
	"redact_body",
	"redact_pii",
	"redact_strict",
] as const satisfies readonly (keyof RedactionValues)[];

/** Name and value of the note. `earlier`: the notes of a tape to which flows are added; its rules are kept. */
export function noteOfRules(values: RedactionValues, earlier: Metadata = {}): [name: string, value: MetaValue] {
	const own = Object.fromEntries(MATCHING.map((name) => [name, values[name] as MetaValue] as const));
	return [NOTE, joinedRules(notesIn([earlier, { [NOTE]: own }]))];
}

/** The notes of several tapes together: the rules of redaction are joined, and of other notes the last one counts. */
export function joinedNotes(all: readonly Metadata[]): Metadata {
	const notes = notesIn(all);
	return Object.assign({}, ...all, notes.length > 1 && { [NOTE]: joinedRules(notes) }) as Metadata;
}

/** The rules of two notes. */
export function joinedNote(a: MetaValue, b: MetaValue): MetaValue {
	return joinedRules(notesIn([{ [NOTE]: a }, { [NOTE]: b }]));
}

/** Keeps the rules of newer versions of flowtape, which then apply them. */
function joinedRules(notes: readonly Metadata[]): MetaValue {
	const names = new Set<string>([...MATCHING, ...notes.flatMap(Object.keys)]);
	for (const name of ["version", KEYS]) names.delete(name);
	const version = Math.max(RULES_VERSION, ...notes.map(versionOf));
	return { version, ...Object.fromEntries([...names].map((name) => [name, joined(name, notes)])) };
}

function versionOf({ version }: Metadata): number {
	return Number.isSafeInteger(version) ? Number(version) : 0;
}

/** The version of the rules in these notes if it is newer than that of this program; null: all its rules are known. */
export function newerVersion(notes: Metadata): number | null {
	const version = Math.max(0, ...notesIn([notes]).map(versionOf));
	return version > RULES_VERSION ? version : null;
}

function notesIn(all: readonly Metadata[]): Metadata[] {
	return all.flatMap((one) => {
		const note = one[NOTE];
		return note === undefined || !isDictionary(note) ? [] : [note];
	});
}

/** The value of an option that has the rules of all notes. */
function joined(name: string, notes: readonly Metadata[]): MetaValue {
	const given = notes.map((note) => note[name]);
	const type = (options as OptionTable)[name]?.type;
	if (type === "boolean") return given.includes(true);
	if (type !== undefined || given.some(Array.isArray))
		return [...new Set(given.flatMap((list) => (Array.isArray(list) ? list.map(String) : [])))];
	return given.includes(true) || (given.find((value) => value !== undefined) ?? null);
}

/** The member of a note that says that the tape stores keys of requests without secrets, by these rules. */
const KEYS = "keys";

/** The note of a tape whose keys are those of requests without secrets, by the rules of this version. */
export function withKeys(note: MetaValue): MetaValue {
	return isDictionary(note) && note.version === RULES_VERSION ? { ...note, [KEYS]: true } : note;
}

/** Whether the keys in a tape with these notes are those of requests without secrets, by the joined rules of all tapes. */
export function hasKeys(notes: Metadata, all: readonly Metadata[]): boolean {
	const note = notes[NOTE];
	if (note === undefined || !isDictionary(note) || note[KEYS] !== true || note.version !== RULES_VERSION) return false;
	const rules = (one: Metadata) => {
		const other = one[NOTE];
		return other === undefined || !isDictionary(other) ? null : JSON.stringify(MATCHING.map((name) => other[name]));
	};
	return all.every((one) => rules(one) === null || rules(one) === rules(notes));
}

/**
 * The rules of redacted tapes, joined; null: no tape was redacted.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN if a note has invalid rules
 */
export function rulesOfNotes(all: readonly Metadata[]): RedactionRules | null {
	const notes = notesIn(all);
	if (notes.length === 0) return null;
	const values: Record<string, unknown> = defaults(options);
	for (const name of MATCHING) values[name] = joined(name, notes);
	return compileRules(values as RedactionValues);
}
