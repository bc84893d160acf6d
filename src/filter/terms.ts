// The table of filter operators: their tests, query plans, needed flow parts and descriptions. Help and documentation
// are generated from it.
import type { Flow, HttpFlow } from "../flow/flow.ts";
import { compilePythonRegex, type PythonRegex } from "../regex/python-regex.ts";
import type { RegexKind } from "../regex/read.ts";
import type { Column, FlowPart, Plan } from "./filter.ts";
import {
	addressText,
	filteredUrl,
	headerLines,
	hostPasses,
	metadataText,
	someBody,
	someContentType,
	someHost,
} from "./subjects.ts";

/** An operator applied to its argument. */
export interface Term {
	readonly test: (flow: Flow) => boolean;
	readonly plan: Plan;
}

interface OperatorSpec {
	/** The letters after `~`. */
	readonly code: string;
	/** The operator in words: `has response`, `url matches`. */
	readonly words: string;
	/** One line for help and documentation. */
	readonly help: string;
	readonly needs: readonly FlowPart[];
}

export interface PlainOperator extends OperatorSpec, Term {
	readonly argument: "none";
}

/** A range of numbers, both ends included. */
export interface NumberRange {
	readonly from: number;
	readonly to: number;
}

/**
 * The range of numbers that an argument of a filter means.
 * @param text in one of the forms that the parser accepts: `404`, `4xx`, `>=400`, `400-499`
 */
export function numberRange(text: string): NumberRange {
	const [, sign = "", first = "", last] = /^([<>]?=?)([0-9]+)(?:xx|-([0-9]+))?$/i.exec(text) ?? [];
	const number = Number(first);
	if (/xx$/i.test(text)) return { from: number * 100, to: number * 100 + 99 };
	if (last !== undefined) return { from: number, to: Number(last) };
	const isOpen = sign === ">" || sign === "<";
	if (sign.startsWith(">")) return { from: number + (isOpen ? 1 : 0), to: Number.POSITIVE_INFINITY };
	if (sign.startsWith("<")) return { from: 0, to: number - (isOpen ? 1 : 0) };
	return { from: number, to: number };
}

export interface NumberOperator extends OperatorSpec {
	readonly argument: "number";
	make(range: NumberRange): Term;
}

export interface PatternOperator extends OperatorSpec {
	readonly argument: "pattern";
	readonly kind: RegexKind;
	/** `m`: `^` and `$` match at every line; `s`: `.` matches line feeds. */
	readonly flags: "" | "m" | "s";
	make(regex: PythonRegex): Term;
}

export type FilterOperator = PlainOperator | NumberOperator | PatternOperator;

const unknown: Plan = { kind: "unknown" };
const equals = (column: Column, value: string | number): Plan => ({ kind: "equals", column, value });
const isNull = (column: Column): Plan => ({ kind: "test", column, test: (value) => value === null });
const textPasses = (column: Column, passes: (text: string) => boolean): Plan => ({
	kind: "test",
	column,
	test: (value) => typeof value === "string" && passes(value),
});
const and = (...of: Plan[]): Plan => ({ kind: "and", of });
const or = (...of: Plan[]): Plan => ({ kind: "or", of });
const not = (of: Plan): Plan => ({ kind: "not", of });

const isHttp = equals("kind", "http");
const isDns = equals("kind", "dns");
const isAnswered = not(isNull("status"));

function plain(code: string, words: string, help: string, plan: Plan, test: Term["test"]): PlainOperator {
	return { argument: "none", code, words, help, plan, test, needs: ["head"] };
}

interface PatternOptions {
	kind: RegexKind;
	flags?: PatternOperator["flags"];
	/** Default: the head. */
	needs?: readonly FlowPart[];
	/** The query plan; default: unknown. */
	plan?: Plan | ((regex: PythonRegex) => Plan);
}

type PatternTest = (flow: Flow, regex: PythonRegex) => boolean;

function pattern(
	code: string,
	words: string,
	help: string,
	{ kind, flags = "", needs = ["head"], plan = unknown }: PatternOptions,
	test: PatternTest,
): PatternOperator {
	const make = (regex: PythonRegex): Term => ({
		test: (flow) => test(flow, regex),
		plan: typeof plan === "function" ? plan(regex) : plan,
	});
	return { argument: "pattern", code, words: `${words} matches`, help, kind, flags, needs, make };
}

/** A pattern on the bytes of HTTP heads. `plan` selects the flows that may match; default: HTTP flows. */
function headPattern(
	code: string,
	words: string,
	help: string,
	{ flags, plan = isHttp }: Pick<PatternOptions, "flags"> & { plan?: Plan },
	test: (flow: HttpFlow, passes: (bytes: string) => boolean) => boolean,
): PatternOperator {
	return pattern(
		code,
		words,
		help,
		{ kind: "bytes", ...(flags && { flags }), plan: and(plan, unknown) },
		(flow, regex) => flow.type === "http" && test(flow, (bytes) => regex.test(bytes)),
	);
}

const ASSET_TYPES =
	/text\/javascript|application\/x-javascript|application\/javascript|text\/css|image\/|font\/|application\/font/;

/**
 * The plan of `~d`. If the host is an internationalised name, the column does not tell whether the filter is matched
 * against its Punycode or its decoded form.
 */
function domainPlan(regex: PythonRegex): Plan {
	const isPlain = textPasses("pretty_host", (host) => !host.includes("xn--") && hostPasses(host, regex));
	const isUnclear = textPasses("pretty_host", (host) => host.includes("xn--"));
	return or(
		textPasses("host", (host) => hostPasses(host, regex)),
		isPlain,
		and(isUnclear, unknown),
	);
}

function bodyPlan(...sides: ("request" | "response")[]): (regex: PythonRegex) => Plan {
	return (regex) => or(...sides.map((side): Plan => ({ kind: "body", side, test: (bytes) => regex.testBytes(bytes) })));
}

const client = { client: true, server: false };
const server = { client: false, server: true };
const both = { client: true, server: true };

/** Every operator, in the order of the documentation. */
export const filterOperators: readonly FilterOperator[] = [
	plain("all", "is any flow", "every flow", { kind: "all" }, () => true),
	plain("http", "is HTTP", "HTTP flows, including WebSocket flows", isHttp, (flow) => flow.type === "http"),
	plain(
		"websocket",
		"is WebSocket",
		"WebSocket flows",
		equals("has_websocket", 1),
		(flow) => flow.type === "http" && flow.websocket !== null,
	),
	plain("tcp", "is TCP", "TCP flows", equals("kind", "tcp"), (flow) => flow.type === "tcp"),
	plain("udp", "is UDP", "UDP flows", equals("kind", "udp"), (flow) => flow.type === "udp"),
	plain("dns", "is DNS", "DNS flows", isDns, (flow) => flow.type === "dns"),
	plain(
		"q",
		"has no response",
		"requests without a response",
		or(and(isHttp, isNull("status")), and(isDns, unknown)),
		(flow) => {
			return (flow.type === "http" || flow.type === "dns") && flow.response === null;
		},
	),
	plain("s", "has response", "flows with a response", or(isAnswered, and(isDns, unknown)), (flow) => {
		return (flow.type === "http" || flow.type === "dns") && flow.response !== null;
	}),
	plain("e", "has error", "flows that ended with an error", equals("has_error", 1), (flow) => flow.error !== null),
	plain("marked", "is marked", "marked flows", not(equals("marked", "")), (flow) => flow.marked !== ""),
	plain("replay", "was replayed", "replayed flows", not(isNull("is_replay")), (flow) => flow.isReplay !== null),
	plain(
		"replayq",
		"has a replayed request",
		"flows whose request was replayed",
		equals("is_replay", "request"),
		(flow) => flow.isReplay === "request",
	),
	plain(
		"replays",
		"has a replayed response",
		"flows whose response was replayed",
		equals("is_replay", "response"),
		(flow) => flow.isReplay === "response",
	),
	plain(
		"a",
		"response is an asset",
		"responses that are CSS, JavaScript, images or fonts, by content type",
		and(isAnswered, unknown),
		(flow) => {
			return flow.type === "http" && someContentType(flow.response, (value) => ASSET_TYPES.test(value));
		},
	),
	{
		argument: "number",
		code: "c",
		words: "response code is",
		help: "responses with this status code: 404, 4xx, >=400, 400-499",
		needs: ["head"],
		make({ from, to }) {
			const isInside = (code: unknown) => typeof code === "number" && code >= from && code <= to;
			return {
				test: (flow) => flow.type === "http" && isInside(flow.response?.statusCode),
				plan: from === to ? equals("status", from) : { kind: "test", column: "status", test: isInside },
			};
		},
	},
	pattern(
		"u",
		"url",
		"the URL, with the host of the Host header; for DNS the queried name",
		{
			kind: "text",
			plan: (regex) => ({ kind: "url", test: (url) => regex.test(url) }),
		},
		(flow, regex) => {
			const url = filteredUrl(flow);
			return url !== null && regex.test(url);
		},
	),
	pattern(
		"d",
		"domain",
		"the host, of the request or of its Host header",
		{ kind: "text", plan: domainPlan },
		(flow, regex) => {
			return flow.type === "http" && someHost(flow, regex);
		},
	),
	pattern(
		"m",
		"method",
		"the method",
		{ kind: "bytes", plan: (regex) => textPasses("method", (method) => regex.test(method)) },
		(flow, regex) => {
			return flow.type === "http" && regex.test(flow.request.method);
		},
	),
	pattern(
		"src",
		"source address",
		"IP and port of the client",
		{ kind: "text", needs: ["connections"] },
		({ clientConn: { peername } }, regex) => {
			return peername !== null && regex.test(addressText(peername));
		},
	),
	pattern(
		"dst",
		"destination address",
		"host and port of the destination",
		{ kind: "text", needs: ["connections"] },
		({ serverConn: { address } }, regex) => {
			return address !== null && regex.test(addressText(address));
		},
	),
	headPattern(
		"h",
		"header",
		"the header lines of request or response",
		{ flags: "m" },
		({ request, response }, passes) => {
			return headerLines(request, passes) || headerLines(response, passes);
		},
	),
	headPattern("hq", "request header", "the header lines of the request", { flags: "m" }, ({ request }, passes) =>
		headerLines(request, passes),
	),
	headPattern(
		"hs",
		"response header",
		"the header lines of the response",
		{ flags: "m", plan: isAnswered },
		({ response }, passes) => headerLines(response, passes),
	),
	headPattern("t", "content type", "the content type of request or response", {}, ({ request, response }, passes) => {
		return someContentType(request, passes) || someContentType(response, passes);
	}),
	headPattern("tq", "request content type", "the content type of the request", {}, ({ request }, passes) =>
		someContentType(request, passes),
	),
	headPattern(
		"ts",
		"response content type",
		"the content type of the response",
		{ plan: isAnswered },
		({ response }, passes) => someContentType(response, passes),
	),
	pattern(
		"b",
		"body",
		"decoded bodies, WebSocket, TCP and UDP messages, DNS data",
		{
			kind: "bytes",
			flags: "s",
			needs: ["head", "requestBody", "responseBody", "messages"],
			plan: bodyPlan("request", "response"),
		},
		(flow, regex) => someBody(flow, both, regex),
	),
	pattern(
		"bq",
		"request body",
		"the same, but only what the client sent",
		{ kind: "bytes", flags: "s", needs: ["head", "requestBody", "messages"], plan: bodyPlan("request") },
		(flow, regex) => someBody(flow, client, regex),
	),
	pattern(
		"bs",
		"response body",
		"the same, but only what the server sent",
		{ kind: "bytes", flags: "s", needs: ["head", "responseBody", "messages"], plan: bodyPlan("response") },
		(flow, regex) => someBody(flow, server, regex),
	),
	pattern(
		"marker",
		"marker",
		"the marker; unmarked flows have an empty one",
		{ kind: "text", plan: (regex) => textPasses("marked", (marker) => regex.test(marker)) },
		(flow, regex) => regex.test(flow.marked),
	),
	pattern("comment", "comment", "the comment", { kind: "text", flags: "m" }, (flow, regex) => regex.test(flow.comment)),
	pattern(
		"meta",
		"metadata",
		"metadata and the session, as lines of `key: value`",
		{ kind: "text", flags: "m", needs: ["metadata"] },
		(flow, regex) => regex.test(metadataText(flow)),
	),
];

/** Compiles the regular expression of a pattern operator. @throws FlowtapeError FT_BAD_PATTERN */
export function regexFor({ kind, flags }: PatternOperator, text: string, caseSensitive: boolean): PythonRegex {
	return compilePythonRegex(text, {
		kind,
		ignoreCase: !caseSensitive,
		multiline: flags === "m",
		dotAll: flags === "s",
	});
}
