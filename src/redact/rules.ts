// Compiles the options of redaction to rules.
import { withOption } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { compileNames, type NamePattern } from "../json/name-pattern.ts";
import { type JsonPath, parseJsonPath } from "../json/path.ts";
import { compilePythonRegex, type PythonRegex } from "../regex/python-regex.ts";
import type { RedactionValues } from "./options.ts";
import type { Span } from "./span.ts";

/** A regular expression of `--redact-body`. */
interface BodyPattern {
	find(text: ByteString): Span[];
}

export interface RedactionRules {
	readonly headers: NamePattern | null;
	readonly params: NamePattern | null;
	readonly cookies: NamePattern | null;
	readonly jsonPaths: readonly JsonPath[];
	readonly bodyPatterns: readonly BodyPattern[];
	readonly pii: boolean;
	readonly strict: boolean;
	/** Whether `--redact-keep` names a rule or a place. */
	keeps(rule: string, place: string): boolean;
}

/**
 * Compiles the options.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
 */
export function compileRules(values: RedactionValues): RedactionRules {
	const kept = compileNames(values.redact_keep, { ignoreCase: true });
	return {
		headers: compileNames(values.redact_header, { ignoreCase: true }),
		params: compileNames(values.redact_param),
		cookies: compileNames(values.redact_cookie),
		jsonPaths: values.redact_json.map((path) => parseJsonPath(path, "redact_json")),
		bodyPatterns: values.redact_body.map(compileBodyPattern),
		pii: values.redact_pii,
		strict: values.redact_strict,
		keeps: kept === null ? () => false : (rule, place) => kept(rule) || kept(place),
	};
}

function compileBodyPattern(source: string): BodyPattern {
	let pattern: PythonRegex;
	try {
		pattern = compilePythonRegex(source, { kind: "bytes" });
	} catch (error) {
		throw withOption(error, "redact_body");
	}
	return { find: (text) => [...matchesOf(pattern, text)] };
}

/** The spans of the first group, or of the whole match if there is none. */
function* matchesOf(pattern: PythonRegex, text: ByteString): Generator<Span> {
	const span = { kind: "secret", rule: "own.body", confidence: "high" } as const;
	for (let from = 0; from <= text.length; ) {
		const match = pattern.exec(text, from);
		if (match === null) return;
		const whole = match.groups[0] ?? "";
		const secret = match.groups[1] ?? whole;
		// the index of a group is not known, so all equal texts in the match are taken for it
		for (let at = whole.indexOf(secret); secret !== "" && at >= 0; at = whole.indexOf(secret, at + secret.length))
			yield { from: match.index + at, to: match.index + at + secret.length, ...span };
		from = match.index + Math.max(whole.length, 1);
	}
}
