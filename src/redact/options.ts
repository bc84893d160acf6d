// The options of redaction, and the name of the note on a redacted tape. This file loads nothing of the engine.
import type { Metadata } from "../flow/metadata.ts";
import type { OptionTable, OptionValues } from "../options.ts";

/** The note with the rules by which a tape was redacted. */
export const NOTE = "flowtape:redaction";

/** Whether a tape was redacted, by its notes. */
export function isRedacted(notes: Metadata): boolean {
	return notes[NOTE] !== undefined;
}

/** The options that say what a secret is. */
export const ruleOptions = {
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
	redact_pii: {
		type: "boolean",
		default: false,
		help: "Redact personal data too: e-mail and IP addresses, phone, card and bank numbers, and names, birth dates and addresses in fields that say so.",
	},
	redact_strict: {
		type: "boolean",
		default: false,
		help: "Redact everything that looks random too: 20 or more letters and digits that are no UUID, date or digest.",
	},
} as const satisfies OptionTable;

export type RedactionValues = OptionValues<typeof ruleOptions>;

export const options = {
	redact: { type: "boolean", default: false, help: "Replace secrets by placeholders (docs/redaction.md)." },
	...ruleOptions,
	redact_env: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Redact the value of this environment variable too, if it has at least 4 characters.",
	},
	redact_shape: {
		type: "string",
		default: "plain",
		choices: ["plain", "issuer"],
		help: "The form of placeholders. issuer: keep prefix, length and alphabet of tokens of known formats, such as ghp_, for clients that check them.",
	},
} as const satisfies OptionTable;
