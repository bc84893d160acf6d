// The options of redaction, and their compiled rules.
import { withOption } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import { compileNames, type NamePattern } from "../json/name-pattern.ts";
import { type JsonPath, parseJsonPath } from "../json/path.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { compilePythonRegex, type PythonRegex } from "../regex/python-regex.ts";
import type { Span } from "./span.ts";

/** The version of the default rules. It grows when a rule changes what is redacted. */
export const RULES_VERSION = 1;

export const options = {
	redact: { type: "boolean", default: false, help: "Replace secrets by placeholders (docs/redaction.md)." },
	redact_header: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Redact this header field too; `*` matches any characters.",
	},
	redact_param: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Redact this parameter of queries and forms too; `*` matches any characters.",
	},
	redact_cookie: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Redact this cookie too, even if its value looks harmless; `*` matches any characters.",
	},
	redact_json: {
		type: "sequence",
		default: [],
		metavar: "PATH",
		help: "Redact these values of JSON bodies too, such as /user/email or $..ssn.",
	},
	redact_body: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Redact what a regular expression (of Python, as in filters) matches in text; if it has a group, the group alone.",
	},
	redact_keep: {
		type: "sequence",
		default: [],
		metavar: "WHAT",
		help: "Do not redact by this rule, such as name.code, or at this place, such as cookie:theme or header:x-signature.",
	},
	redact_env: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Redact the value of this environment variable too, if it has at least 4 characters.",
	},
	redact_pii: {
		type: "boolean",
		default: false,
		help: "Redact personal data too: e-mail and IP addresses, phone, card and bank numbers.",
	},
	redact_strict: {
		type: "boolean",
		default: false,
		help: "Redact everything that looks random too: 20 or more letters and digits that are no UUID, date or digest.",
	},
} as const satisfies OptionTable;

export type RedactionValues = OptionValues<Omit<typeof options, "redact">>;

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
