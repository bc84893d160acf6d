// What "the same request" means: the parts of a request that count, and a short key over them.
// By default as mitmproxy has it: method, scheme, host, port, path, query in order, and body.
import { createHash } from "node:crypto";
import { bodyChunks, bodySize } from "../flow/body.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { formFields } from "../flow/form.ts";
import type { Request } from "../flow/message.ts";
import { parseQuery } from "../flow/url.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { hash64 } from "./hash.ts";

export const options = {
	server_replay_use_headers: { type: "sequence", default: [], metavar: "NAME", help: "Request headers that must be equal too; by default none is looked at." },
	server_replay_ignore_content: { type: "boolean", default: false, help: "Match whatever the request's body is." },
	server_replay_ignore_params: { type: "sequence", default: [], metavar: "NAME", help: "Query parameters to leave out when matching." },
	server_replay_ignore_payload_params: {
		type: "sequence",
		default: [],
		metavar: "NAME",
		help: "Form fields (url-encoded or multipart) to leave out when matching.",
	},
	server_replay_ignore_host: { type: "boolean", default: false, help: "Match whatever the host is." },
	server_replay_ignore_port: { type: "boolean", default: false, help: "Match whatever the port is." },
} as const satisfies OptionTable;

/** What counts; what is left out is at its default. */
export type KeyOptions = Partial<OptionValues<typeof options>>;

/** The matching options compiled. */
interface Rules {
	headers: readonly string[];
	content: boolean;
	host: boolean;
	port: boolean;
	ignoredParams: ReadonlySet<string>;
	ignoredFields: ReadonlySet<string>;
}

/** Whether the options change nothing: then a key that a store holds is the one that counts. */
export function isDefaultKey(values: KeyOptions): boolean {
	return Object.entries(options).every(([name, spec]) => {
		const value = values[name as keyof KeyOptions];
		return value === undefined || (Array.isArray(value) ? value.length === 0 : value === spec.default);
	});
}

function compile(values: KeyOptions): Rules {
	return {
		headers: (values.server_replay_use_headers ?? []).map((name) => name.toLowerCase()),
		content: !values.server_replay_ignore_content,
		host: !values.server_replay_ignore_host,
		port: !values.server_replay_ignore_port,
		ignoredParams: new Set(values.server_replay_ignore_params),
		ignoredFields: new Set(values.server_replay_ignore_payload_params),
	};
}

const DEFAULT_RULES = compile({});

/** The key by default matching: 16 hexadecimal digits, the same on every machine and in every version of a tape. */
export function defaultRequestKey(flow: HttpFlow): string {
	return hash64(canonical(flow.request, DEFAULT_RULES));
}

/** The key by other matching options. */
export function requestKeyFor(values: KeyOptions): (flow: HttpFlow) => string {
	const rules = compile(values);
	return (flow) => hash64(canonical(flow.request, rules));
}

/** Everything that counts, written so that different requests never look alike: only the body may hold a line break. */
function canonical(request: Request, rules: Rules): ByteString {
	const { path } = request;
	const end = pathEnd(path);
	let out = `${request.method.toUpperCase()}\n${request.scheme}\n`;
	if (rules.host) out += hostOf(request);
	out += rules.port ? `\n${request.port}\n` : "\n\n";
	out += pathOf(path, end);
	if (end < path.length) out += queryOf(path, end, rules.ignoredParams);
	for (const name of rules.headers) {
		const value = request.headers.raw(name);
		out += value === null ? `\n${name}` : `\n${name}:${value}`;
	}
	return rules.content ? `${out}\n${contentOf(request, rules.ignoredFields)}` : out;
}

/** Hosts are the same whatever their case (RFC 9110 section 4.2.3). */
export function hostOf(request: Request): ByteString {
	return toByteString(request.prettyHost.toLowerCase());
}

/** Where the query or the fragment begins. */
function pathEnd(path: ByteString): number {
	const mark = path.indexOf("?");
	const hash = path.indexOf("#");
	return mark < 0 ? (hash < 0 ? path.length : hash) : hash < 0 ? mark : Math.min(mark, hash);
}

/** The path up to `end`, without the parameters after `;` of its last segment, which mitmproxy leaves out too. */
function pathOf(path: ByteString, end: number): ByteString {
	const semicolon = path.indexOf(";", path.lastIndexOf("/", end - 1) + 1);
	const cut = semicolon < 0 || semicolon > end ? end : semicolon;
	return path === "*" ? "" : cut === path.length ? path : path.slice(0, cut);
}

/** The query's pairs as `?name=value&…`, escapes undone, in order; empty when no pair is left. */
function queryOf(path: ByteString, end: number, ignored: ReadonlySet<string>): ByteString {
	if (path.charCodeAt(end) !== 0x3f) return "";
	const hash = path.indexOf("#", end);
	const query = path.slice(end + 1, hash < 0 ? path.length : hash);
	// most queries are in this form already
	if (ignored.size === 0 && PLAIN_QUERY.test(query)) return `?${query}`;
	const pairs = parseQuery(toText(query)).filter(([name]) => !ignored.has(name));
	return pairs.length === 0 ? "" : `?${formOf(pairs)}`;
}

const PLAIN_QUERY = /^[^&=%+\n]*=[^&%+\n]*(?:&[^&=%+\n]*=[^&%+\n]*)*$/;

function formOf(pairs: readonly (readonly [name: string, value: string])[]): ByteString {
	return pairs.map(([name, value]) => `${toByteString(name).replace(/[%&=+\n]/g, escapeOne)}=${toByteString(value).replace(/[%&+\n]/g, escapeOne)}`).join("&");
}

function escapeOne(character: string): string {
	return `%${character.charCodeAt(0).toString(16)}`;
}

/** Larger bodies take part by their digest. Bytes. */
const WHOLE_LIMIT = 1024;

function contentOf(request: Request, ignored: ReadonlySet<string>): ByteString {
	if (request.body === null) return "-";
	const fields = ignored.size === 0 ? null : formFields(request);
	if (fields !== null) return `&${formOf(fields.filter(({ name }) => !ignored.has(name)).map(({ name, value }) => [name, toText(value)]))}`;
	const size = bodySize(request.body) ?? 0;
	if (size === 0) return "=";
	// unless it is coded, a large body need not be in memory as a whole
	const body = size <= WHOLE_LIMIT || request.headers.has("content-encoding") ? request.decodedOrRaw : request.body;
	if (Buffer.isBuffer(body) && body.length <= WHOLE_LIMIT) return `=${body.latin1Slice()}`;
	const digest = createHash("sha256");
	for (const chunk of bodyChunks(body)) digest.update(chunk);
	return `#${digest.digest("hex")}`;
}
