// Converts heads between HTTP/1.1 and HTTP/2 (RFC 9113 sections 8.2 and 8.3), and WebSocket handshakes between RFC 8441
// and the HTTP/1.1 form in which flows keep them.
import { createHash, randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http2";
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Message, Request, Response } from "../../flow/message.ts";
import { isToken } from "../../flow/sendable.ts";
import { formatAuthority, withoutFragment } from "../../flow/url.ts";
import type { BodyLength } from "../body/pipe.ts";
import { type Framing, isBodiless } from "../wire/framing.ts";
import { CONNECTION_FIELDS, connectionOptions, listMembers, upgradeOf } from "../wire/hop-by-hop.ts";
import { trimBlanks } from "../wire/read-head.ts";

export const HTTP2_VERSION = "HTTP/2.0";

export function isHttp2(message: Message): boolean {
	return message.httpVersion === HTTP2_VERSION;
}

/** Whether a response switches to WebSocket, or a request asks for it. */
export function isWebSocketUpgrade(message: Message): boolean {
	return protocolsOf(message)?.toLowerCase() === "websocket";
}

/**
 * Whether a request asks for another protocol. In HTTP/2 that can only be WebSocket; flows keep such a request with the
 * fields of RFC 6455.
 */
export function requestsUpgrade(request: Request): boolean {
	return protocolsOf(request) !== null;
}

function protocolsOf(message: Message): ByteString | null {
	const { httpVersion, headers } = message;
	return upgradeOf(isHttp2(message) ? "HTTP/1.1" : httpVersion, headers.fields);
}

/** Protocols that carry HTTP requests: cleartext HTTP/2 (RFC 9113 section 3.1), other versions, and TLS (RFC 2817). */
const HTTP_INSIDE = /h2c|^"?(?:HTTP|TLS)(?![^/"])/i;

/** Removes an offer to upgrade to a protocol with HTTP requests that the proxy could not read. */
export function stripHttpUpgrade({ httpVersion, headers }: Request): void {
	const upgrade = upgradeOf(httpVersion, headers.fields);
	if (upgrade === null) return;
	const offered = listMembers(upgrade);
	const protocols = offered.filter((protocol) => !HTTP_INSIDE.test(protocol));
	if (protocols.length === offered.length) return;
	const isOver = protocols.length === 0;
	const options = listMembers(headers.raw("connection") ?? "").filter(
		(option) => !/^http2-settings$/i.test(option) && !(isOver && /^upgrade$/i.test(option)),
	);
	headers.delete("http2-settings");
	headers.setAll("upgrade", isOver ? [] : [protocols.join(", ")]);
	headers.setAll("connection", options.length === 0 ? [] : [options.join(", ")]);
}

/** Whether a 101 with these fields switches only to protocols that the request asks for (RFC 9110 section 7.8). */
export function isRequestedProtocol(fields: ByteString[], request: Request): boolean {
	const requested = listMembers(protocolsOf(request)?.toLowerCase() ?? "");
	return listMembers(new Headers(fields).raw("upgrade")?.toLowerCase() ?? "").every((protocol) =>
		requested.includes(protocol),
	);
}

// — as received —

/** The raw headers of `node:http2` without the pseudo-header fields at their start. */
export function regularFields(raw: readonly string[]): ByteString[] {
	let at = 0;
	while (at < raw.length && raw[at]?.startsWith(":")) at += 2;
	return raw.slice(at);
}

/** Whether the Host field of a request names another host or port than its authority (RFC 9113 section 8.3.1). */
export function hasOtherHost(fields: ByteString[], authority: ByteString, scheme: string): boolean {
	const host = new Headers(fields).raw("host");
	return authority !== "" && host !== null && normalized(host, scheme) !== normalized(authority, scheme);
}

/** The authority in lower case, without the default port (RFC 3986 section 6.2.3). */
function normalized(authority: ByteString, scheme: string): string {
	return authority.toLowerCase().replace(scheme === "https" ? /:(?:443)?$/ : /:(?:80)?$/, "");
}

/** The framing of an HTTP/2 message with these fields. `ended`: the stream ended with the head. */
export function http2Framing(fields: ByteString[], ended: boolean): Framing {
	const length = new Headers(fields).raw("content-length");
	if (ended) return length === null ? { kind: "none" } : { kind: "length", length: 0 };
	// A stream that goes on after a length of 0 may have trailers, which HTTP/1.1 allows only with the chunked coding.
	return length !== null && /^\d{1,15}$/.test(length) && Number(length) > 0
		? { kind: "length", length: Number(length) }
		: { kind: "chunked" };
}

/** The fields that an extended CONNECT (RFC 8441 section 5) lacks for a handshake request of RFC 6455. */
export function upgradeRequestFields(): ByteString[] {
	return ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-key", randomBytes(16).toString("base64")];
}

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** The fields that the response to an extended CONNECT lacks for a 101 of RFC 6455. */
export function upgradeResponseFields(request: Request): ByteString[] {
	const key = request.headers.raw("sec-websocket-key") ?? "";
	const accept = createHash("sha1").update(`${key}${WEBSOCKET_GUID}`, "latin1").digest("base64");
	return ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-accept", accept];
}

// — to HTTP/1.1 —

/** The fields of an HTTP/2 request for an HTTP/1.1 server: with a Host field, and one Cookie field. */
export function http1RequestFields(request: Request): ByteString[] {
	const { fields } = request.headers;
	const cookies = fields.filter((_, i) => i % 2 === 1 && fields[i - 1]?.toLowerCase() === "cookie");
	const out = new Headers(fields.slice());
	if (cookies.length > 1) out.setAll("cookie", [cookies.join("; ")]);
	out.delete("http2-settings");
	if (!out.has("host")) out.fields.unshift("Host", request.authority || defaultAuthority(request));
	return out.fields;
}

function defaultAuthority({ host, port, scheme }: Request): ByteString {
	return toByteString(formatAuthority(host, port, scheme));
}

// — to HTTP/2 —

/** Called with the name of each field that is not sent because HTTP/2 cannot represent it. */
export type OnOmitted = (name: ByteString) => void;

const ignore: OnOmitted = () => {};

/** A request as `node:http2` sends it. `touched`: a hook may have changed it. */
export function http2RequestHeaders(
	request: Request,
	body: BodyLength,
	touched: boolean,
	onOmitted: OnOmitted = ignore,
): OutgoingHttpHeaders {
	const isUpgrade = isWebSocketUpgrade(request);
	const { headers, authority } = request;
	const out = emptyHeaders();
	out[":method"] = isUpgrade ? "CONNECT" : request.method;
	if (isUpgrade) out[":protocol"] = "websocket";
	out[":scheme"] = request.scheme;
	// Keep the Host field of an HTTP/2 client that sends it in place of :authority.
	const host = headers.raw("host");
	if (authority !== "" || !isHttp2(request) || host === null)
		out[":authority"] = authority || host || defaultAuthority(request);
	out[":path"] = withoutFragment(request.path) || "/";
	addFields(
		out,
		request,
		[...(isHttp2(request) ? [] : ["host"]), ...(isUpgrade ? ["sec-websocket-key"] : [])],
		onOmitted,
	);
	const { cookie } = out;
	if (typeof cookie === "string" && !isHttp2(request)) out.cookie = splitCookie(cookie);
	correctLength(out, body, touched || !isHttp2(request));
	return out;
}

/** One field for each cookie (RFC 9113 section 8.2.3). */
function splitCookie(cookie: ByteString): ByteString[] {
	const parts = cookie.split(";").map((part) => trimBlanks(part));
	return parts.some((part) => part !== "") ? parts.filter((part) => part !== "") : [""];
}

/** A response to this request as `node:http2` sends it. */
export function http2ResponseHeaders(
	response: Response,
	request: Request,
	body: BodyLength,
	touched: boolean,
	onOmitted: OnOmitted = ignore,
): OutgoingHttpHeaders {
	const isSwitch = response.statusCode === 101;
	const out = emptyHeaders();
	out[":status"] = isSwitch ? 200 : response.statusCode;
	addFields(out, response, isSwitch ? ["sec-websocket-accept"] : [], onOmitted);
	if (isSwitch || !isBodiless(request.method, response.statusCode))
		correctLength(out, body, touched || !isHttp2(response));
	return out;
}

/** The fields of interim responses and trailers. */
export function http2Fields(fields: readonly ByteString[], onOmitted: OnOmitted = ignore): OutgoingHttpHeaders {
	const out = emptyHeaders();
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		if (CONNECTION_FIELDS.has(name) || name === "te") continue;
		addField(out, name, fields[i + 1] as ByteString, onOmitted);
	}
	return out;
}

function emptyHeaders(): OutgoingHttpHeaders {
	return Object.create(null) as OutgoingHttpHeaders;
}

/** Adds the fields of a message except hop-by-hop fields and `others`. */
function addFields(out: OutgoingHttpHeaders, message: Message, others: readonly string[], onOmitted: OnOmitted): void {
	const { fields } = message.headers;
	const options = connectionOptions(fields);
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		const value = fields[i + 1] as ByteString;
		// TE is hop-by-hop, but "trailers" is forwarded, since the proxy forwards trailers. HTTP/2 allows no other value
		// (RFC 9113 section 8.2.2).
		if (name === "te") {
			if (listMembers(value.toLowerCase()).includes("trailers")) out.te = "trailers";
		} else if (!CONNECTION_FIELDS.has(name) && !others.includes(name) && !options?.includes(name))
			addField(out, name, value, onOmitted);
	}
}

/** `node:http2` refuses to send these fields twice. Joined they mean the same (RFC 9110 section 5.3). */
const SINGLE_FIELDS = new Set(
	(
		"access-control-allow-credentials access-control-max-age access-control-request-method age authorization content-encoding content-language content-length " +
		"content-location content-md5 content-range content-type date dnt etag expires from host if-match if-modified-since if-none-match if-range " +
		"if-unmodified-since last-modified location max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent " +
		"x-content-type-options"
	).split(" "),
);

/**
 * A control character in a value, for which peers reject the whole message (RFC 9113 section 8.2.1, RFC 9110 section
 * 5.5).
 */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

/** Trims the value (RFC 9113 section 8.2.1) and adds the field. */
function addField(out: OutgoingHttpHeaders, name: string, untrimmed: ByteString, onOmitted: OnOmitted): void {
	if (!isToken(name) || CONTROL.test(untrimmed)) {
		onOmitted(name);
		return;
	}
	const value = trimBlanks(untrimmed);
	const there = out[name];
	if (there === undefined) out[name] = value;
	else if (Array.isArray(there)) there.push(value);
	else out[name] = SINGLE_FIELDS.has(name) ? `${there}, ${value}` : [String(there), value];
}

/**
 * Sets Content-Length to the size of the body, or removes it if the size is unknown: a wrong length would break the
 * stream.
 */
function correctLength(out: OutgoingHttpHeaders, body: BodyLength, doubtful: boolean): void {
	if (!doubtful || out["content-length"] === undefined) return;
	if ("size" in body) out["content-length"] = String(body.size);
	else if (body.framing.kind === "length") out["content-length"] = String(body.framing.length);
	else delete out["content-length"];
}
