// What counts when a request is compared with the recorded ones: the options, and the rules that they come to.
// By default as mitmproxy has it: method, scheme, host, port, path, query in order, and the bytes of the body.
import type { ByteString } from "../../flow/bytes.ts";
import { compileNames, type NamePattern } from "../../json/name-pattern.ts";
import { type JsonPath, parseJsonPath } from "../../json/path.ts";
import type { OptionTable, OptionValues } from "../../options.ts";

export const options = {
	server_replay_match_profile: {
		type: "string",
		default: "mitmproxy",
		choices: ["mitmproxy", "vcr", "playwright", "wpr"],
		help: "Match as this tool does; other options change what it says.",
	},
	server_replay_use_headers: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Request headers that must be equal too; by default none is looked at. `*` stands for any characters.",
	},
	server_replay_ignore_headers: { type: "sequence", default: [], metavar: "NAME", help: "Headers to leave out of those that use_headers names." },
	server_replay_ignore_cookies: { type: "sequence", default: [], metavar: "NAME", help: "Cookies to leave out where use_headers has `cookie`." },
	server_replay_ignore_content: { type: "boolean", default: false, help: "Match whatever the request's body is." },
	server_replay_match_content: {
		type: "string",
		default: "bytes",
		choices: ["bytes", "meaning"],
		help: "Compare bodies byte by byte, or by what they mean: the order of JSON keys, the boundary of multipart forms and the like do not matter then.",
	},
	server_replay_ignore_json: {
		type: "sequence",
		default: [],
		metavar: "PATH",
		help: "Values of JSON bodies to leave out when matching, as /items/*/id or $.items[*].id; JSON is compared by its meaning then.",
	},
	server_replay_ignore_body: { type: "sequence", default: [], metavar: "REGEX", help: "Parts of bodies to leave out when matching." },
	server_replay_ignore_params: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Query parameters to leave out when matching. `*` stands for any characters.",
	},
	server_replay_ignore_param_order: { type: "boolean", default: false, help: "Match whatever the order of query parameters is." },
	server_replay_ignore_payload_params: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Form fields (url-encoded or multipart) to leave out when matching. `*` stands for any characters.",
	},
	server_replay_normalize_url: {
		type: "boolean",
		default: false,
		help: "Match URLs that are written differently and mean the same: escapes that need not be, as %7E for ~, and a dot at the end of the host.",
	},
	server_replay_ignore_host: { type: "boolean", default: false, help: "Match whatever the host is." },
	server_replay_ignore_port: { type: "boolean", default: false, help: "Match whatever the port is." },
} as const satisfies OptionTable;

/** What the user said; what is left out is at its default. */
export type MatchValues = Partial<OptionValues<typeof options>>;

/** What of the matching is no plain value. */
export interface MatchExtras {
	/** Makes of a regular expression what takes its matches out of a text. Needed for server_replay_ignore_body. */
	compileCut?: (pattern: string) => (text: ByteString) => ByteString;
}

/**
 * How one of several recordings is chosen that the rules do not tell apart: the first in order, the one with the most equal headers, or
 * the one with the nearest query and among those the most equal headers.
 */
export type Choice = "first" | "headers" | "query";

export interface MatchRules {
	/** Names in lower case, or patterns. */
	readonly headers: readonly string[];
	readonly ignoredHeaders: NamePattern | null;
	readonly ignoredCookies: NamePattern | null;
	readonly host: boolean;
	readonly port: boolean;
	/** The parameters behind `;` of the path's last segment, which mitmproxy leaves out. */
	readonly pathParams: boolean;
	/** Hosts and paths are brought into one notation. */
	readonly normal: boolean;
	readonly query: boolean;
	readonly ignoredParams: NamePattern | null;
	readonly paramOrder: boolean;
	/** Whether the body of a request with this method counts. */
	readonly content: (method: ByteString) => boolean;
	readonly ignoredFields: NamePattern | null;
	/** Bodies are compared by their meaning. */
	readonly meaning: boolean;
	readonly ignoredJson: readonly JsonPath[];
	readonly cuts: readonly ((text: ByteString) => ByteString)[];
	readonly choice: Choice;
}

/** What a profile says where the user says nothing. */
type Profile = Pick<MatchRules, "content" | "meaning" | "query" | "paramOrder" | "pathParams" | "choice"> & { readonly order: Order };

/** In which order equal requests get their recordings. */
export type Order = "once" | "sequence" | "first" | "cycle";

const always = () => true;
const never = () => false;

const mitmproxy: Profile = { content: always, meaning: false, query: true, paramOrder: true, pathParams: false, choice: "first", order: "once" };

const profiles: Readonly<Record<string, Profile>> = {
	mitmproxy,
	// vcrpy: method, scheme, host, port, path, and the query whatever its order
	vcr: { ...mitmproxy, content: never, paramOrder: false, pathParams: true },
	// routeFromHAR: URL and method; the body of a POST, whatever the boundary of a form; then the most equal headers
	playwright: { ...mitmproxy, content: (method) => method.toUpperCase() === "POST", meaning: true, pathParams: true, choice: "headers", order: "first" },
	// Web Page Replay: URL and method, then the most equal headers; for an unknown query, the nearest of the same path
	wpr: { ...mitmproxy, content: never, query: false, pathParams: true, choice: "query", order: "first" },
};

export function profileOf(values: MatchValues): Profile {
	return profiles[values.server_replay_match_profile ?? "mitmproxy"] as Profile;
}

/** @throws FlowtapeError FT_BAD_OPTION for a path that is none, and what `compileCut` throws */
export function compileRules(values: MatchValues, { compileCut }: MatchExtras = {}): MatchRules {
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
		ignoredJson: (values.server_replay_ignore_json ?? []).map((path) => parseJsonPath(path, "server_replay_ignore_json")),
		cuts: compileCut === undefined ? [] : (values.server_replay_ignore_body ?? []).map(compileCut),
	};
}

/** Whether the options change nothing: then the key that a store holds is the one that counts. */
export function isDefault(values: MatchValues): boolean {
	return Object.entries(options).every(([name, spec]) => {
		const value = values[name as keyof MatchValues];
		return value === undefined || (Array.isArray(value) ? value.length === 0 : value === spec.default);
	});
}
