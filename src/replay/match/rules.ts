// The matching options, and the rules that they compile to: which parts of a request are compared with recorded ones.
// The default is mitmproxy's: method, scheme, host, port, path, query in order, and the bytes of the body.
import type { ByteString } from "../../flow/bytes.ts";
import type { Request } from "../../flow/message.ts";
import { compileNames, type NamePattern } from "../../json/name-pattern.ts";
import { type JsonPath, parseJsonPath } from "../../json/path.ts";
import type { OptionTable, OptionValues } from "../../options.ts";

export const options = {
	server_replay_match_profile: {
		type: "string",
		default: "mitmproxy",
		choices: ["mitmproxy", "vcr", "playwright", "wpr"],
		help: "Match as this tool does; other options override its settings.",
	},
	server_replay_use_headers: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Request headers to compare; by default none. `*` stands for any characters.",
	},
	server_replay_ignore_headers: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Headers to exclude from use_headers.",
	},
	server_replay_ignore_cookies: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Cookies to ignore if use_headers includes `cookie`.",
	},
	server_replay_ignore_content: { type: "boolean", default: false, help: "Ignore the request's body when matching." },
	server_replay_match_content: {
		type: "string",
		default: "bytes",
		choices: ["bytes", "meaning"],
		help: "Compare bodies byte by byte, or by meaning. By meaning, the order of JSON keys, the boundary of multipart forms and the like are ignored.",
	},
	server_replay_ignore_json: {
		type: "sequence",
		default: [],
		metavar: "PATH",
		help: "Values of JSON bodies to ignore when matching, such as /items/*/id or $.items[*].id. JSON is then compared by meaning.",
	},
	server_replay_ignore_body: {
		type: "sequence",
		default: [],
		metavar: "REGEX",
		help: "Parts of bodies to ignore when matching.",
	},
	server_replay_ignore_params: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Query parameters to ignore when matching. `*` stands for any characters.",
	},
	server_replay_ignore_param_order: {
		type: "boolean",
		default: false,
		help: "Ignore the order of query parameters when matching.",
	},
	server_replay_ignore_payload_params: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Form fields (url-encoded or multipart) to ignore when matching. `*` stands for any characters.",
	},
	server_replay_normalize_url: {
		type: "boolean",
		default: false,
		help: "Normalize URLs before matching: unnecessary escapes, such as %7E for ~, and a dot at the end of the host are ignored.",
	},
	server_replay_ignore_host: { type: "boolean", default: false, help: "Ignore the host when matching." },
	server_replay_ignore_port: { type: "boolean", default: false, help: "Ignore the port when matching." },
} as const satisfies OptionTable;

/** The values of the matching options; missing ones have their defaults. */
export type MatchValues = Partial<OptionValues<typeof options>>;

/** Functions that the rules need. */
export interface MatchExtras {
	/**
	 * Compiles a regular expression to a function that removes its matches from a text. Needed for
	 * server_replay_ignore_body.
	 */
	compileCut?: (pattern: string) => (text: ByteString) => ByteString;
	/** For redacted tapes: copies a request without its secrets. */
	withoutSecrets?: ((request: Request) => Request) | null;
}

/**
 * How to choose from several recordings with the same key: the first in order, the one with the most equal headers, or
 * the one with the most similar query and then the most equal headers.
 */
export type Choice = "first" | "headers" | "query";

export interface MatchRules {
	/** Names in lower case, or patterns. */
	readonly headers: readonly string[];
	readonly ignoredHeaders: NamePattern | null;
	readonly ignoredCookies: NamePattern | null;
	readonly host: boolean;
	readonly port: boolean;
	/** Compare the `;` parameters of the last path segment, which mitmproxy ignores. */
	readonly pathParams: boolean;
	/** Normalize hosts and paths. */
	readonly normal: boolean;
	readonly query: boolean;
	readonly ignoredParams: NamePattern | null;
	readonly paramOrder: boolean;
	/** Whether the body of a request with this method is compared. */
	readonly content: (method: ByteString) => boolean;
	readonly ignoredFields: NamePattern | null;
	/** Compare bodies by their meaning. */
	readonly meaning: boolean;
	readonly ignoredJson: readonly JsonPath[];
	readonly cuts: readonly ((text: ByteString) => ByteString)[];
	readonly choice: Choice;
	/** For redacted tapes: copies a request without its secrets; null: requests are compared as they are. */
	readonly withoutSecrets: ((request: Request) => Request) | null;
}

/** The defaults of a matching profile. */
type Profile = Pick<MatchRules, "content" | "meaning" | "query" | "paramOrder" | "pathParams" | "choice"> & {
	readonly order: Order;
};

/** In which order the recordings of equal requests are used. */
export type Order = "once" | "sequence" | "first" | "cycle";

const always = () => true;
const never = () => false;

const mitmproxy: Profile = {
	content: always,
	meaning: false,
	query: true,
	paramOrder: true,
	pathParams: false,
	choice: "first",
	order: "once",
};

const profiles: Readonly<Record<string, Profile>> = {
	mitmproxy,
	// vcrpy: method, scheme, host, port, path, and the query in any order
	vcr: { ...mitmproxy, content: never, paramOrder: false, pathParams: true },
	// routeFromHAR: URL and method; the body of a POST, with any form boundary; then the most equal headers
	playwright: {
		...mitmproxy,
		content: (method) => method.toUpperCase() === "POST",
		meaning: true,
		pathParams: true,
		choice: "headers",
		order: "first",
	},
	// Web Page Replay: URL and method, then the most equal headers; for an unknown query, the most similar one with the
	// same path
	wpr: { ...mitmproxy, content: never, query: false, pathParams: true, choice: "query", order: "first" },
};

export function profileOf(values: MatchValues): Profile {
	return profiles[values.server_replay_match_profile ?? "mitmproxy"] as Profile;
}

/** @throws FlowtapeError FT_BAD_OPTION for an invalid JSON path, and the errors of `compileCut` */
export function compileRules(values: MatchValues, { compileCut, withoutSecrets = null }: MatchExtras = {}): MatchRules {
	const profile = profileOf(values);
	return {
		...profile,
		headers: (values.server_replay_use_headers ?? []).map((name) => name.toLowerCase()),
		ignoredHeaders: compileNames(values.server_replay_ignore_headers, { ignoreCase: true }),
		ignoredCookies: compileNames(values.server_replay_ignore_cookies),
		normal: values.server_replay_normalize_url === true,
		host: !values.server_replay_ignore_host,
		port: !values.server_replay_ignore_port,
		ignoredParams: compileNames(values.server_replay_ignore_params),
		paramOrder: profile.paramOrder && !values.server_replay_ignore_param_order,
		content: values.server_replay_ignore_content ? never : profile.content,
		ignoredFields: compileNames(values.server_replay_ignore_payload_params),
		meaning: profile.meaning || values.server_replay_match_content === "meaning",
		ignoredJson: (values.server_replay_ignore_json ?? []).map((path) =>
			parseJsonPath(path, "server_replay_ignore_json"),
		),
		withoutSecrets,
		cuts: compileCut === undefined ? [] : (values.server_replay_ignore_body ?? []).map(compileCut),
	};
}

/** Whether all options have their defaults: then the keys stored in a tape can be used. */
export function isDefault(values: MatchValues): boolean {
	return Object.entries(options).every(([name, spec]) => {
		const value = values[name as keyof MatchValues];
		return value === undefined || (Array.isArray(value) ? value.length === 0 : value === spec.default);
	});
}
