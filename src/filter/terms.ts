// The operators of filters, one table: what each tests on each kind of flow, what a store's columns tell of it, which parts of
// a flow it reads, and how it is called in words. Help and documentation are made of the same table.
import { domainToUnicode } from "node:url";
import { type ByteString, encodeText } from "../flow/bytes.ts";
import type { Flow, HttpFlow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import type { Message, Request } from "../flow/message.ts";
import { dnsText } from "./dns-text.ts";
import type { Column, FlowPart, Plan } from "./filter.ts";
import { compilePythonRegex, type PythonRegex } from "./python-regex.ts";
import { pythonText } from "./python-text.ts";
import type { RegexKind } from "./regex-parse.ts";

type Test = (flow: Flow) => boolean;

/** An operator applied to its argument. */
export interface Term {
	readonly test: Test;
	readonly plan: Plan;
}

interface OperatorFacts {
	/** What stands after the `~`. */
	readonly code: string;
	/** One line, for people. */
	readonly help: string;
	/** In a sentence: `has response`, `url matches …`. */
	readonly words: string;
	readonly needs: readonly FlowPart[];
}

export interface PlainOperator extends OperatorFacts, Term {
	readonly argument: "none";
}

export interface NumberOperator extends OperatorFacts {
	readonly argument: "number";
	make(number: number): Term;
}

export interface PatternOperator extends OperatorFacts {
	readonly argument: "pattern";
	readonly kind: RegexKind;
	/** `m`: `^` and `$` at every line; `s`: `.` matches line feeds. */
	readonly flags: "" | "m" | "s";
	make(regex: PythonRegex): Term;
}

export type FilterOperator = PlainOperator | NumberOperator | PatternOperator;

const unknown: Plan = { kind: "unknown" };
const equals = (column: Column, value: string | number): Plan => ({ kind: "equals", column, value });
const isNull = (column: Column): Plan => ({ kind: "test", column, test: (value) => value === null });
const textIn = (column: Column, regex: PythonRegex): Plan => ({ kind: "test", column, test: (value) => typeof value === "string" && regex.test(value) });
const and = (...of: Plan[]): Plan => ({ kind: "and", of });
const or = (...of: Plan[]): Plan => ({ kind: "or", of });
const not = (of: Plan): Plan => ({ kind: "not", of });

const isHttp = equals("kind", "http");
const isDns = equals("kind", "dns");
const httpOnly = and(isHttp, unknown);
const answeredOnly = and(not(isNull("status")), unknown);
const hasBody = and(or(isHttp, isDns, equals("kind", "tcp"), equals("kind", "udp")), unknown);

/** A test on HTTP flows alone: others do not match. */
function http(test: (flow: HttpFlow) => boolean): Test {
	return (flow) => flow.type === "http" && test(flow);
}

function plain(code: string, words: string, help: string, plan: Plan, test: Test): PlainOperator {
	return { argument: "none", code, words, help, plan, test, needs: ["head"] };
}

type MakeTest = (regex: PythonRegex) => Test;

function pattern(
	kind: RegexKind,
	flags: PatternOperator["flags"],
	[code, words, help]: readonly [string, string, string],
	needs: readonly FlowPart[],
	plan: Plan | ((regex: PythonRegex) => Plan),
	make: MakeTest,
): PatternOperator {
	const planOf = typeof plan === "function" ? plan : () => plan;
	return { argument: "pattern", code, words: `${words} matches`, help, kind, flags, needs, make: (regex) => ({ test: make(regex), plan: planOf(regex) }) };
}

const ASSET_TYPES = /text\/javascript|application\/x-javascript|application\/javascript|text\/css|image\/|font\/|application\/font/;

/** Whether the value of any Content-Type field passes. */
function someContentType({ fields }: Headers, test: (value: ByteString) => boolean): boolean {
	for (let i = 0; i < fields.length; i += 2) {
		const name = fields[i] as ByteString;
		if (name.length === 12 && name.toLowerCase() === "content-type" && test(fields[i + 1] as ByteString)) return true;
	}
	return false;
}

function contentType(message: Message | null, regex: PythonRegex): boolean {
	return message !== null && someContentType(message.headers, (value) => regex.test(value));
}

function headerBlock(message: Message | null, regex: PythonRegex): boolean {
	return message !== null && regex.test(message.headers.block());
}

function body(message: Message | null, regex: PythonRegex): boolean {
	const bytes = message?.decodedOrRaw ?? null;
	return bytes !== null && regex.testBytes(bytes);
}

/** Bodies, WebSocket messages, chunks, datagrams, the text of DNS messages: of what the client sent, the server, or both. */
function bodies(client: boolean, server: boolean): MakeTest {
	return (regex) => {
		const inMessages = (messages: readonly { fromClient: boolean; content: Buffer }[]) =>
			messages.some((message) => (message.fromClient ? client : server) && regex.testBytes(message.content));
		return (flow) => {
			switch (flow.type) {
				case "http":
					if ((client && body(flow.request, regex)) || (server && body(flow.response, regex))) return true;
					return flow.websocket !== null && inMessages(flow.websocket.messages);
				case "dns":
					if (client && regex.testBytes(encodeText(dnsText(flow.request)))) return true;
					return server && flow.response !== null && regex.testBytes(encodeText(dnsText(flow.response)));
				default:
					return inMessages(flow.messages);
			}
		};
	};
}

function address(of: (flow: Flow) => readonly [string, number, ...number[]] | null): MakeTest {
	return (regex) => (flow) => {
		const found = of(flow);
		return found !== null && regex.test(`${found[0]}:${found[1]}`);
	};
}

/** A host with the labels of an international name as people read them (RFC 5890). */
function readable(host: string): string {
	return host.includes("xn--") ? domainToUnicode(host) || host : host;
}

/** Only `:authority` is shown as people read it; the Host header and the target stay as they are. */
function isReadable({ authority, httpVersion }: Request): boolean {
	return authority.includes("xn--") && /^HTTP\/[23]/.test(httpVersion);
}

/** `request.host`, or the host that the Host header names where it is another. */
function domain({ request }: HttpFlow, regex: PythonRegex): boolean {
	if (regex.test(request.host)) return true;
	if (isReadable(request)) return regex.test(readable(request.prettyHost));
	return request.hostHeader !== request.host && regex.test(request.prettyHost);
}

/** Where the host column has an international name, it does not tell whether the filter sees it or what people read. */
function domainPlan(regex: PythonRegex): Plan {
	const isPlain: Plan = { kind: "test", column: "pretty_host", test: (host) => typeof host === "string" && !host.includes("xn--") && regex.test(host) };
	const isUnclear: Plan = { kind: "test", column: "pretty_host", test: (host) => typeof host === "string" && host.includes("xn--") };
	return or(textIn("host", regex), isPlain, and(isUnclear, unknown));
}

function shownUrl(request: Request): string {
	const { prettyUrl } = request;
	return isReadable(request) ? prettyUrl.replace(request.prettyHost, readable) : prettyUrl;
}

function url(flow: Flow, regex: PythonRegex): boolean {
	if (flow.type === "http") return regex.test(shownUrl(flow.request));
	return flow.type === "dns" && flow.request.questions[0] !== undefined && regex.test(flow.request.questions[0].name);
}

const hasResponse = (flow: Flow) => (flow.type === "http" || flow.type === "dns") && flow.response !== null;

/** Every operator, in the order of the documentation. */
export const filterOperators: readonly FilterOperator[] = [
	plain("all", "is any flow", "every flow", { kind: "all" }, () => true),
	plain("http", "is HTTP", "HTTP flows, WebSocket ones included", isHttp, (flow) => flow.type === "http"),
	plain(
		"websocket",
		"is WebSocket",
		"WebSocket flows",
		equals("has_websocket", 1),
		http((flow) => flow.websocket !== null),
	),
	plain("tcp", "is TCP", "TCP flows", equals("kind", "tcp"), (flow) => flow.type === "tcp"),
	plain("udp", "is UDP", "UDP flows", equals("kind", "udp"), (flow) => flow.type === "udp"),
	plain("dns", "is DNS", "DNS flows", isDns, (flow) => flow.type === "dns"),
	plain("q", "has no response", "requests without a response", or(and(isHttp, isNull("status")), and(isDns, unknown)), (flow) => {
		return (flow.type === "http" || flow.type === "dns") && flow.response === null;
	}),
	plain("s", "has response", "flows with a response", or(not(isNull("status")), and(isDns, unknown)), hasResponse),
	plain("e", "has error", "flows that ended with an error", equals("has_error", 1), (flow) => flow.error !== null),
	plain("marked", "is marked", "marked flows", not(equals("marked", "")), (flow) => flow.marked !== ""),
	plain("replay", "was replayed", "replayed flows", not(isNull("is_replay")), (flow) => flow.isReplay !== null),
	plain("replayq", "has a replayed request", "flows whose request was replayed", equals("is_replay", "request"), (flow) => flow.isReplay === "request"),
	plain("replays", "has a replayed response", "flows whose response was replayed", equals("is_replay", "response"), (flow) => flow.isReplay === "response"),
	plain(
		"a",
		"response is an asset",
		"responses that are CSS, JavaScript, images or fonts, by content type",
		answeredOnly,
		http(({ response }) => response !== null && someContentType(response.headers, (value) => ASSET_TYPES.test(value))),
	),
	{
		argument: "number",
		code: "c",
		words: "response code is",
		help: "responses with this status code",
		needs: ["head"],
		make: (code) => ({ test: http(({ response }) => response !== null && response.statusCode === code), plan: equals("status", code) }),
	},
	pattern(
		"text",
		"",
		["u", "url", "the URL by the Host header; for DNS the name asked for; a pattern alone means the same"],
		["head"],
		and(or(isHttp, isDns), unknown),
		(regex) => (flow) => url(flow, regex),
	),
	pattern("text", "", ["d", "domain", "the host, of the request or of its Host header"], ["head"], domainPlan, (regex) => http((flow) => domain(flow, regex))),
	pattern(
		"bytes",
		"",
		["m", "method", "the method"],
		["head"],
		(regex) => textIn("method", regex),
		(regex) => http(({ request }) => regex.test(request.method)),
	),
	pattern(
		"text",
		"",
		["src", "source address", "IP and port of the client"],
		["connections"],
		unknown,
		address((flow) => flow.clientConn.peername),
	),
	pattern(
		"text",
		"",
		["dst", "destination address", "host and port to which the server connection was to go"],
		["connections"],
		unknown,
		address((flow) => flow.serverConn.address),
	),
	pattern("bytes", "m", ["h", "header", "the header lines of request or response"], ["head"], httpOnly, (regex) =>
		http(({ request, response }) => headerBlock(request, regex) || headerBlock(response, regex)),
	),
	pattern("bytes", "m", ["hq", "request header", "the header lines of the request"], ["head"], httpOnly, (regex) =>
		http(({ request }) => headerBlock(request, regex)),
	),
	pattern("bytes", "m", ["hs", "response header", "the header lines of the response"], ["head"], answeredOnly, (regex) =>
		http(({ response }) => headerBlock(response, regex)),
	),
	pattern("bytes", "", ["t", "content type", "the content type of request or response"], ["head"], httpOnly, (regex) =>
		http(({ request, response }) => contentType(request, regex) || contentType(response, regex)),
	),
	pattern("bytes", "", ["tq", "request content type", "the content type of the request"], ["head"], httpOnly, (regex) =>
		http(({ request }) => contentType(request, regex)),
	),
	pattern("bytes", "", ["ts", "response content type", "the content type of the response"], ["head"], answeredOnly, (regex) =>
		http(({ response }) => contentType(response, regex)),
	),
	pattern(
		"bytes",
		"s",
		["b", "body", "decoded bodies, WebSocket, TCP and UDP messages, DNS data"],
		["head", "requestBody", "responseBody", "messages"],
		hasBody,
		bodies(true, true),
	),
	pattern("bytes", "s", ["bq", "request body", "as ~b, of what the client sent"], ["head", "requestBody", "messages"], hasBody, bodies(true, false)),
	pattern("bytes", "s", ["bs", "response body", "as ~b, of what the server sent"], ["head", "responseBody", "messages"], hasBody, bodies(false, true)),
	pattern(
		"text",
		"",
		["marker", "marker", "the marker; that of unmarked flows is empty"],
		["head"],
		(regex) => textIn("marked", regex),
		(regex) => (flow) => regex.test(flow.marked),
	),
	pattern("text", "m", ["comment", "comment", "the comment"], ["head"], unknown, (regex) => (flow) => regex.test(flow.comment)),
	pattern("text", "m", ["meta", "metadata", "metadata, as lines of `key: value`"], ["metadata"], unknown, (regex) => (flow) => regex.test(metadataText(flow))),
];

function metadataText({ metadata }: Flow): string {
	return Object.entries(metadata)
		.map(([key, value]) => `${key}: ${pythonText(value)}`)
		.join("\n");
}

/** The regular expression of a pattern operator. @throws FlowtapeError FT_BAD_PATTERN */
export function regexFor({ kind, flags }: PatternOperator, text: string, caseSensitive: boolean): PythonRegex {
	return compilePythonRegex(text, { kind, ignoreCase: !caseSensitive, multiline: flags === "m", dotAll: flags === "s" });
}
