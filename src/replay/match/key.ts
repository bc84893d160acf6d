// A short key over what counts of a request: requests with the same key are the same to replay.
import { createHash } from "node:crypto";
import { bodyChunks } from "../../flow/body.ts";
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";
import { hash64 } from "./hash.ts";
import { type Content, contentOf, headersInUse, hostOf, type Pairs, pathEnd, pathOf, queryPairs, rawQuery, WHOLE_LIMIT } from "./parts.ts";
import { compileRules, isDefault, type MatchExtras, type MatchRules, type MatchValues, options } from "./rules.ts";

export { hostOf, isDefault as isDefaultKey, type MatchValues as KeyOptions, options };

const DEFAULT_RULES = compileRules({});

/** What is known of a flow that is compared. */
export type Asked = Pick<HttpFlow, "request"> & { readonly original?: Request | null };

/** The request as it came from the client: matching has no mind for what rules and scripts made of it. */
export function askedOf({ request, original }: Asked): Request {
	return original ?? request;
}

/** The key by default matching: 16 hexadecimal digits, the same on every machine and in every version of a tape. */
export function defaultRequestKey(flow: Asked): string {
	return requestKey(askedOf(flow), DEFAULT_RULES);
}

/** The key by other matching options. */
export function requestKeyFor(values: MatchValues, extras?: MatchExtras): (flow: Asked) => string {
	const rules = compileRules(values, extras);
	return (flow) => requestKey(askedOf(flow), rules);
}

/** 16 hexadecimal digits over what counts by the rules. */
export function requestKey(request: Request, rules: MatchRules): string {
	return hash64(canonical(request, rules));
}

/** Everything that counts, written so that different requests never look alike: only the body may hold a line break. */
function canonical(request: Request, rules: MatchRules): ByteString {
	const { path } = request;
	const end = pathEnd(path);
	let out = `${request.method.toUpperCase()}\n${request.scheme}\n`;
	if (rules.host) out += hostOf(request, rules);
	out += rules.port ? `\n${request.port}\n` : "\n\n";
	out += pathOf(path, end, rules);
	if (end < path.length && rules.query) out += canonicalQuery(rawQuery(path, end), rules);
	if (rules.headers.length > 0) for (const [name, value] of headersInUse(request, rules)) out += value === null ? `\n${name}` : `\n${name}:${value}`;
	return out + canonicalContent(contentOf(request, rules));
}

/** The query's pairs as `?name=value&…`; empty when no pair is left. */
function canonicalQuery(query: ByteString, rules: MatchRules): ByteString {
	if (query === "") return "";
	// most queries are in this form already
	if (rules.ignoredParams === null && rules.paramOrder && PLAIN_QUERY.test(query)) return `?${query}`;
	const pairs = queryPairs(query, rules);
	return pairs.length === 0 ? "" : `?${formText(pairs)}`;
}

const PLAIN_QUERY = /^[^&=%+\n]*=[^&%+\n]*(?:&[^&=%+\n]*=[^&%+\n]*)*$/;

function formText(pairs: Pairs): ByteString {
	return pairs.map(([name, value]) => `${toByteString(name).replace(/[%&=+\n]/g, escapeOne)}=${toByteString(value).replace(/[%&+\n]/g, escapeOne)}`).join("&");
}

function escapeOne(character: string): string {
	return `%${character.charCodeAt(0).toString(16)}`;
}

/** Begins with a line break, unless the body does not count. */
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
