// Determines how a body is delimited (RFC 9112 section 6.3): by Content-Length, Transfer-Encoding, method and status.
// If two peers disagree here, one message can be smuggled inside another, so the strict rules reject every ambiguous
// message.
import type { ByteString } from "../../flow/bytes.ts";
import { protocolFault } from "./fault.ts";
import type { RequestHead, ResponseHead } from "./head.ts";
import { trimBlanks } from "./read-head.ts";

export type Framing =
	| { readonly kind: "none" }
	/** Content-Length, in bytes. */
	| { readonly kind: "length"; readonly length: number }
	| { readonly kind: "chunked" }
	/** Until the sender closes the connection; responses only. */
	| { readonly kind: "close" };

/** Whether a message with this framing has bytes in its body, or may have. */
export function hasBody(framing: Framing): boolean {
	return framing.kind !== "none" && !(framing.kind === "length" && framing.length === 0);
}

/** Whether a response has no body, regardless of its header fields (RFC 9110 section 6.4.1). */
export function isBodiless(requestMethod: ByteString, status: number): boolean {
	return requestMethod === "HEAD" || status < 200 || status === 204 || status === 304;
}

const NONE: Framing = { kind: "none" };
const CHUNKED: Framing = { kind: "chunked" };
const CLOSE: Framing = { kind: "close" };
const NO_BODY: Framing = { kind: "length", length: 0 };

const CHUNKED_CODINGS = new Set(["chunked", "compress,chunked", "deflate,chunked", "gzip,chunked"]);
const UNCHUNKED_CODINGS = new Set(["compress", "deflate", "gzip", "identity"]);

/**
 * The framing of a request's body. `lenient` accepts ambiguous fields that can have only one meaning: equal lengths,
 * leading zeros, Transfer-Encoding together with Content-Length, unknown codings before `chunked`.
 * @throws FlowtapeError FT_PROTOCOL if the fields are invalid or ambiguous
 */
export function requestFraming(head: RequestHead, lenient = false): Framing {
	const sizing = sizingFields(head.fields);
	if (sizing === null) return NONE;
	if (sizing.codings.length > 0) {
		const codings = transferCodings(sizing, head.version, "request", lenient);
		if (isChunked(codings)) return CHUNKED;
		// RFC 9112 section 6.1: unless chunked is the last coding, the length of a request is unknown. identity is no
		// coding.
		if (!lenient || codings !== "identity")
			throw protocolFault("request, transfer-encoding", '"chunked" as the last coding', codings);
	}
	return sizing.lengths.length === 0 ? NONE : lengthOf(sizing.lengths, "request", lenient);
}

/**
 * The framing of the body of a response to a request with this method; `lenient` as in `requestFraming`. After status
 * 101, and after 2xx to a CONNECT, the connection is no longer HTTP.
 * @throws FlowtapeError FT_PROTOCOL if the fields are invalid or ambiguous
 */
export function responseFraming(head: ResponseHead, requestMethod: ByteString, lenient = false): Framing {
	const { status } = head;
	// RFC 9112 section 6.3: both fields must be ignored here.
	if (requestMethod === "CONNECT" && status >= 200 && status < 300) return NONE;
	const bodiless = isBodiless(requestMethod, status);
	const sizing = sizingFields(head.fields);
	if (sizing === null) return bodiless ? NONE : CLOSE;
	const { lengths, codings } = sizing;
	if (codings.length > 0) {
		if (!lenient && (status < 200 || status === 204))
			throw protocolFault(`response ${status}`, "no transfer-encoding", codings.join(", "));
		const parsed = transferCodings(sizing, head.version, "response", lenient);
		return bodiless ? NONE : isChunked(parsed) ? CHUNKED : CLOSE;
	}
	const framing = lengthOf(lengths, "response", lenient);
	return bodiless ? NONE : framing;
}

interface Sizing {
	lengths: ByteString[];
	codings: ByteString[];
}

/** The values of Content-Length and Transfer-Encoding; null if there are none, the common case for requests. */
function sizingFields(fields: readonly ByteString[]): Sizing | null {
	let sizing: Sizing | null = null;
	for (let i = 0; i < fields.length; i += 2) {
		const name = fields[i] as ByteString;
		// Comparing the length first rules out almost every other field.
		if (name.length === 14 && isNamed(name, "Content-Length", "content-length")) {
			sizing ??= { lengths: [], codings: [] };
			sizing.lengths.push(fields[i + 1] as ByteString);
		} else if (name.length === 17 && isNamed(name, "Transfer-Encoding", "transfer-encoding")) {
			sizing ??= { lengths: [], codings: [] };
			sizing.codings.push(fields[i + 1] as ByteString);
		}
	}
	return sizing;
}

function isNamed(name: ByteString, usual: string, lower: string): boolean {
	return name === usual || name === lower || name.toLowerCase() === lower;
}

function lengthOf(lengths: readonly ByteString[], where: string, lenient: boolean): Framing {
	const [first = ""] = lengths;
	if (lengths.length === 1 && first === "0") return NO_BODY;
	if (lengths.length > 1 && !lenient) throw protocolFault(`${where}, content-length`, "one field", lengths.join(", "));
	const values = lenient ? lengths.flatMap((value) => value.split(",")).map((value) => trimBlanks(value)) : lengths;
	for (const value of values) {
		if (!(lenient ? /^[0-9]+$/ : /^(?:0|[1-9][0-9]*)$/).test(value))
			throw protocolFault(`${where}, content-length`, "a number of bytes", lengths.join(", "));
	}
	const length = Number(values[0]);
	if (values.some((value) => Number(value) !== length))
		throw protocolFault(`${where}, content-length`, "one length", lengths.join(", "));
	if (!Number.isSafeInteger(length))
		throw protocolFault(`${where}, content-length`, `at most ${Number.MAX_SAFE_INTEGER}`, first);
	return { kind: "length", length };
}

/** The transfer codings in lower case, without whitespace: `gzip,chunked`. */
function transferCodings({ lengths, codings }: Sizing, version: ByteString, where: string, lenient: boolean): string {
	const written = codings.join(", ");
	if (!lenient) {
		if (lengths.length > 0)
			throw protocolFault(
				where,
				"either content-length or transfer-encoding",
				`both: ${lengths.join(", ")} and ${written}`,
			);
		if (codings.length > 1) throw protocolFault(`${where}, transfer-encoding`, "one field", written);
		if (version === "HTTP/1.0") throw protocolFault(where, "no transfer-encoding with HTTP/1.0", written);
	}
	const names = written
		.toLowerCase()
		.split(",")
		.map((name) => trimBlanks(name));
	const parsed = names.join(",");
	if (!lenient && !CHUNKED_CODINGS.has(parsed) && !UNCHUNKED_CODINGS.has(parsed))
		throw protocolFault(
			`${where}, transfer-encoding`,
			"chunked, or gzip, deflate or compress and then chunked",
			written,
		);
	// These are rejected even if `lenient`: a peer might read the body as chunked when this proxy does not.
	if (
		names.includes("") ||
		names.indexOf("chunked") !== names.lastIndexOf("chunked") ||
		(names.includes("chunked") && names.at(-1) !== "chunked")
	)
		throw protocolFault(`${where}, transfer-encoding`, '"chunked" once and last', written);
	return parsed;
}

function isChunked(codings: string): boolean {
	return codings === "chunked" || codings.endsWith(",chunked");
}
