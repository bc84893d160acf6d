// Compiles the options of redaction to rules.
import { withOption } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { compileNames, type NamePattern } from "../json/name-pattern.ts";
import { covers, type JsonPath, parseJsonPath } from "../json/path.ts";
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
	/** Whether `--redact-json` names the value at this path. */
	readonly json: (path: readonly string[]) => boolean;
	readonly bodyPatterns: readonly BodyPattern[];
	readonly pii: boolean;
	readonly strict: boolean;
	/** Whether `--redact-keep` names a rule or a place. */
	keeps(rule: string, place: string): boolean;
}

/** Called with a rule that applies for the first time, and its option. */
export type OnApply = (rule: string, option: string) => void;

/**
 * Compiles the options.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_PATTERN
 */
export function compileRules(values: RedactionValues, onApply: OnApply = () => {}): RedactionRules {
	const names = (option: "redact_header" | "redact_param" | "redact_cookie" | "redact_keep", ignoreCase = false) =>
		anyOf(option, values[option], (name) => compileNames([name], { ignoreCase }) as NamePattern, onApply);
	const kept = names("redact_keep", true);
	return {
		headers: names("redact_header", true),
		params: names("redact_param"),
		cookies: names("redact_cookie"),
		json: anyOf("redact_json", values.redact_json, compileJsonPath, onApply) ?? (() => false),
		bodyPatterns: values.redact_body.map((source) => compileBodyPattern(source, onApply)),
		pii: values.redact_pii,
		strict: values.redact_strict,
		keeps: kept === null ? () => false : (rule, place) => kept(rule) || kept(place),
	};
}

/** Whether any rule of an option matches; null: there are none. */
function anyOf<T>(
	option: string,
	rules: readonly string[],
	compile: (rule: string) => (value: T) => boolean,
	onApply: OnApply,
): ((value: T) => boolean) | null {
	if (rules.length === 0) return null;
	const matchers = rules.map(compile);
	const unused = new Set(rules.keys());
	return (value) => {
		let isMatch = false;
		for (const [n, matches] of matchers.entries()) {
			// a match by one rule is enough, once it is known that the others apply too
			if ((isMatch && !unused.has(n)) || !matches(value)) continue;
			isMatch = true;
			if (unused.delete(n)) onApply(rules[n] as string, option);
		}
		return isMatch;
	};
}

function compileJsonPath(source: string): (path: readonly string[]) => boolean {
	const pattern: JsonPath = parseJsonPath(source, "redact_json");
	return (path) => covers(pattern, path);
}

function compileBodyPattern(source: string, onApply: OnApply): BodyPattern {
	let pattern: PythonRegex;
	try {
		pattern = compilePythonRegex(source, { kind: "bytes" });
	} catch (error) {
		throw withOption(error, "redact_body");
	}
	return {
		find(text) {
			const spans = [...matchesOf(pattern, text)];
			if (spans.length > 0) onApply(source, "redact_body");
			return spans;
		},
	};
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
