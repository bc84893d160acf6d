// Computes the request key: a hash of the parts of a request that the matching rules compare. Recordings answer
// requests with the same key.
import { createHash } from "node:crypto";
import { bodyChunks } from "../../flow/body.ts";
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import type { Pairs } from "../../flow/pairs.ts";
import { hash64 } from "./hash.ts";
import {
	type Content,
	contentOf,
	headersInUse,
	hostOf,
	pathEnd,
	pathOf,
	queryPairs,
	rawQuery,
	WHOLE_LIMIT,
} from "./parts.ts";
import { compileRules, isDefault, type MatchExtras, type MatchRules, type MatchValues, options } from "./rules.ts";

export { hostOf, isDefault as isDefaultKey, type MatchValues as KeyOptions, options };

const DEFAULT_RULES = compileRules({});

/** The parts of a flow that its request key depends on. */
export type FlowRequest = Pick<HttpFlow, "request"> & { readonly original?: Request | null };

/** The request as the client sent it. Matching ignores the changes of rules and scripts. */
export function originalRequest({ request, original }: FlowRequest): Request {
	return original ?? request;
}

/** The key by the default rules: 16 hexadecimal digits. It is stored in tapes and must never change. */
export function defaultRequestKey(flow: FlowRequest): string {
	return requestKey(originalRequest(flow), DEFAULT_RULES);
}

/** A function that computes keys by other rules. */
export function requestKeyFor(values: MatchValues, extras?: MatchExtras): (flow: FlowRequest) => string {
	const rules = compileRules(values, extras);
	return (flow) => requestKey(originalRequest(flow), rules);
}

/** The key by these rules: 16 hexadecimal digits. */
export function requestKey(request: Request, rules: MatchRules): string {
	return hash64(canonical(comparedRequest(request, rules), rules));
}

/** The request that is compared: with redacted tapes, a copy without secrets. */
export function comparedRequest(request: Request, { withoutSecrets }: MatchRules): Request {
	return withoutSecrets === null ? request : withoutSecrets(request);
}

/** The compared parts as an unambiguous string. Line feeds separate the parts, and only the body may contain others. */
function canonical(request: Request, rules: MatchRules): ByteString {
	const { path } = request;
	const end = pathEnd(path);
	let out = `${request.method.toUpperCase()}\n${request.scheme}\n`;
	if (rules.host) out += hostOf(request, rules);
	out += rules.port ? `\n${request.port}\n` : "\n\n";
	out += pathOf(path, end, rules);
	if (end < path.length && rules.query) out += canonicalQuery(rawQuery(path, end), rules);
	if (rules.headers.length > 0)
		for (const [name, value] of headersInUse(request, rules))
			out += value === null ? `\n${name}` : `\n${name}:${value}`;
	return out + canonicalContent(contentOf(request, rules));
}

/** The compared query parameters as `?name=value&…`; empty: there are none. */
function canonicalQuery(query: ByteString, rules: MatchRules): ByteString {
	if (query === "") return "";
	// most queries are in this form already
	if (rules.ignoredParams === null && rules.paramOrder && PLAIN_QUERY.test(query)) return `?${query}`;
	const pairs = queryPairs(query, rules);
	return pairs.length === 0 ? "" : `?${formText(pairs)}`;
}

const PLAIN_QUERY = /^[^&=%+\n]*=[^&%+\n]*(?:&[^&=%+\n]*=[^&%+\n]*)*$/;

function formText(pairs: Pairs): ByteString {
	return pairs
		.map(
			([name, value]) =>
				`${toByteString(name).replace(/[%&=+\n]/g, escapeOne)}=${toByteString(value).replace(/[%&+\n]/g, escapeOne)}`,
		)
		.join("&");
}

function escapeOne(character: string): string {
	return `%${character.charCodeAt(0).toString(16)}`;
}

/** The body or its hash, after a line feed; empty if the body is not compared. */
function canonicalContent(content: Content): ByteString {
	switch (content.kind) {
		case "ignored":
			return "";
		case "missing":
			return "\n-";
		case "form":
			return `\n${content.isMultipart ? "&&" : "&"}${formText(content.fields)}`;
		case "json":
			return `\n{${digest([Buffer.from(formText(content.values), "latin1")])}`;
		case "bytes":
			return canonicalBytes(content.body);
	}
}

function canonicalBytes(body: Extract<Content, { kind: "bytes" }>["body"]): ByteString {
	if (Buffer.isBuffer(body)) {
		if (body.length === 0) return "\n=";
		if (body.length <= WHOLE_LIMIT) return `\n=${body.latin1Slice()}`;
	}
	return `\n#${(Buffer.isBuffer(body) ? undefined : body.sha256) ?? digest(bodyChunks(body))}`;
}

function digest(chunks: Iterable<Buffer>): string {
	const hash = createHash("sha256");
	for (const chunk of chunks) hash.update(chunk);
	return hash.digest("hex");
}
