// The note on a redacted tape: the rules by which it was redacted, so that replay applies them to live requests too.
import type { Metadata, MetaValue } from "../flow/metadata.ts";
import { isDictionary } from "../flow/metadata.ts";
import { defaults } from "../options.ts";
import { NOTE, options, type RedactionValues } from "./options.ts";
import { compileRules, type RedactionRules } from "./rules.ts";

/** The version of the default rules. It grows when a rule changes what is redacted. */
const RULES_VERSION = 1;

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

/** Name and value of the note. */
export function noteOfRules(values: RedactionValues): [name: string, value: MetaValue] {
	const given = MATCHING.map((name) => [name, values[name] as MetaValue] as const);
	return [NOTE, { version: RULES_VERSION, ...Object.fromEntries(given) }];
}

/**
 * The rules of redacted tapes, joined; null: no tape was redacted.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN if a note has rules that are none
 */
export function rulesOfNotes(all: readonly Metadata[]): RedactionRules | null {
	const notes = all.flatMap((one) => {
		const note = one[NOTE];
		return note === undefined || !isDictionary(note) ? [] : [note];
	});
	if (notes.length === 0) return null;
	const values: Record<string, unknown> = defaults(options);
	for (const name of MATCHING) {
		const given = notes.map((note) => note[name]);
		values[name] =
			typeof values[name] === "boolean"
				? given.includes(true)
				: [...new Set(given.flatMap((list) => (Array.isArray(list) ? list.map(String) : [])))];
	}
	return compileRules(values as RedactionValues);
}
