// Heads of messages between HTTP/1.1 and HTTP/2: what one version says in fields, the other says in pseudo-fields or not at all
// (RFC 9113 sections 8.2 and 8.3; RFC 8441 for WebSocket, which a flow always has in the form of HTTP/1.1).
import { createHash, randomBytes } from "node:crypto";
import type { OutgoingHttpHeaders } from "node:http2";
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Message, Request, Response } from "../../flow/message.ts";
import { isToken } from "../../flow/sendable.ts";
import { formatAuthority, withoutFragment } from "../../flow/url.ts";
import type { BodyLength } from "../body/pipe.ts";
import { type Framing, isBodiless } from "../wire/framing.ts";
import { CONNECTION_FIELDS, connectionOptions, upgradeOf } from "../wire/hop-by-hop.ts";
import { trimBlanks } from "../wire/read-head.ts";

export const HTTP2_VERSION = "HTTP/2.0";

export function isHttp2(message: Message): boolean {
	return message.httpVersion === HTTP2_VERSION;
}

/** Whether a message changes to WebSocket, or asks to. */
export function isWebSocketUpgrade(message: Message): boolean {
	return protocolsOf(message)?.toLowerCase() === "websocket";
}

/** Whether a request asks for another protocol. One of HTTP/2 does so for WebSocket alone, and has the fields of RFC 6455 then. */
export function asksForUpgrade(request: Request): boolean {
	return protocolsOf(request) !== null;
}

function protocolsOf(message: Message): ByteString | null {
	const { httpVersion, headers } = message;
	return upgradeOf(isHttp2(message) ? "HTTP/1.1" : httpVersion, headers.fields);
}

/** HTTP/2 in clear text could not be read from here on: the offer is not passed on, and HTTP/1.1 it stays (RFC 9113 section 3.1). */
export function stripH2cUpgrade({ httpVersion, headers }: Request): void {
	const upgrade = upgradeOf(httpVersion, headers.fields);
	if (upgrade === null || !/h2c/i.test(upgrade)) return;
	const protocols = members(upgrade).filter((protocol) => !/h2c/i.test(protocol));
	const isOver = protocols.length === 0;
	const options = members(headers.raw("connection") ?? "").filter((option) => !/^http2-settings$/i.test(option) && !(isOver && /^upgrade$/i.test(option)));
	headers.delete("http2-settings");
	headers.setAll("upgrade", isOver ? [] : [protocols.join(", ")]);
	headers.setAll("connection", options.length === 0 ? [] : [options.join(", ")]);
}

/** Whether a 101 with these fields changes to what the request asks for, as far as it says (RFC 9110 section 7.8). */
export function isAskedFor(fields: ByteString[], request: Request): boolean {
	const asked = members(protocolsOf(request)?.toLowerCase() ?? "");
	return members(new Headers(fields).raw("upgrade")?.toLowerCase() ?? "").every((protocol) => asked.includes(protocol));
}

/** The members of a list (RFC 9110 section 5.6.1). */
function members(list: ByteString): ByteString[] {
	return list
		.split(",")
		.map((member) => trimBlanks(member))
		.filter((member) => member !== "");
}

// — as received —

/** The fields among what `node:http2` gives as raw headers, which begins with the pseudo-fields. */
export function regularFields(raw: readonly string[]): ByteString[] {
	let at = 0;
	while (at < raw.length && raw[at]?.startsWith(":")) at += 2;
	return raw.slice(at);
}

/** Whether a request has a Host field that names another host than its authority, or another port (RFC 9113 section 8.3.1). */
export function hasOtherHost(fields: ByteString[], authority: ByteString, scheme: string): boolean {
	const host = new Headers(fields).raw("host");
	return authority !== "" && host !== null && normalized(host, scheme) !== normalized(authority, scheme);
}

/** In small letters, and without the port that need not be named (RFC 3986 section 6.2.3). */
function normalized(authority: ByteString, scheme: string): string {
	return authority.toLowerCase().replace(scheme === "https" ? /:(?:443)?$/ : /:(?:80)?$/, "");
}

/** How the body of a message is delimited whose head had these fields. `ended`: the stream ended with the head. */
export function http2Framing(fields: ByteString[], ended: boolean): Framing {
	const length = new Headers(fields).raw("content-length");
	if (ended) return length === null ? { kind: "none" } : { kind: "length", length: 0 };
	// What goes on behind a head that says 0 may be trailers, for which a length leaves no room in HTTP/1.1.
	return length !== null && /^\d{1,15}$/.test(length) && Number(length) > 0 ? { kind: "length", length: Number(length) } : { kind: "chunked" };
}

/** What an extended CONNECT (RFC 8441 section 5) lacks to be the request of RFC 6455. */
export function upgradeRequestFields(): ByteString[] {
	return ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-key", randomBytes(16).toString("base64")];
}

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** What the response to an extended CONNECT lacks to be the 101 of RFC 6455. */
export function upgradeResponseFields(request: Request): ByteString[] {
	const key = request.headers.raw("sec-websocket-key") ?? "";
	const accept = createHash("sha1").update(`${key}${WEBSOCKET_GUID}`, "latin1").digest("base64");
	return ["connection", "Upgrade", "upgrade", "websocket", "sec-websocket-accept", accept];
}

// — to HTTP/1.1 —

/** The fields of an HTTP/2 request for an HTTP/1.1 server: with Host, and with one Cookie. */
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

/** Told the name of a field that HTTP/2 has no form for, which is not sent. */
export type LeftOut = (name: ByteString) => void;

const ignore: LeftOut = () => {};

/** A request as `node:http2` sends it. `touched`: a hook may have changed it. */
export function http2RequestHeaders(request: Request, body: BodyLength, touched: boolean, leftOut: LeftOut = ignore): OutgoingHttpHeaders {
	const isUpgrade = isWebSocketUpgrade(request);
	const { headers, authority } = request;
	const out = emptyHeaders();
	out[":method"] = isUpgrade ? "CONNECT" : request.method;
	if (isUpgrade) out[":protocol"] = "websocket";
	out[":scheme"] = request.scheme;
	// A client that sends Host in place of the pseudo-field is left to it.
	const host = headers.raw("host");
	if (authority !== "" || !isHttp2(request) || host === null) out[":authority"] = authority || host || defaultAuthority(request);
	out[":path"] = withoutFragment(request.path) || "/";
	addFields(out, request, [...(isHttp2(request) ? [] : ["host"]), ...(isUpgrade ? ["sec-websocket-key"] : [])], leftOut);
	const { cookie } = out;
	if (typeof cookie === "string" && !isHttp2(request)) out.cookie = crumbs(cookie);
	settleLength(out, body, touched || !isHttp2(request));
	return out;
}

/** RFC 9113 section 8.2.3: a field for each cookie. */
function crumbs(cookie: ByteString): ByteString[] {
	const parts = cookie.split(";").map((part) => trimBlanks(part));
	return parts.some((part) => part !== "") ? parts.filter((part) => part !== "") : [""];
}

/** A response as `node:http2` sends it to a client that sent this request. */
export function http2ResponseHeaders(response: Response, request: Request, body: BodyLength, touched: boolean, leftOut: LeftOut = ignore): OutgoingHttpHeaders {
	const isSwitch = response.statusCode === 101;
	const out = emptyHeaders();
	out[":status"] = isSwitch ? 200 : response.statusCode;
	addFields(out, response, isSwitch ? ["sec-websocket-accept"] : [], leftOut);
	if (isSwitch || !isBodiless(request.method, response.statusCode)) settleLength(out, body, touched || !isHttp2(response));
	return out;
}

/** The fields of interim responses and trailers. */
export function http2Fields(fields: readonly ByteString[], leftOut: LeftOut = ignore): OutgoingHttpHeaders {
	const out = emptyHeaders();
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		if (CONNECTION_FIELDS.has(name) || name === "te") continue;
		addField(out, name, fields[i + 1] as ByteString, leftOut);
	}
	return out;
}

function emptyHeaders(): OutgoingHttpHeaders {
	return Object.create(null) as OutgoingHttpHeaders;
}

/** The fields of a message but for those of its connection and some others. */
function addFields(out: OutgoingHttpHeaders, message: Message, others: readonly string[], leftOut: LeftOut): void {
	const { fields } = message.headers;
	const options = connectionOptions(fields);
	for (let i = 0; i < fields.length; i += 2) {
		const name = (fields[i] as ByteString).toLowerCase();
		const value = fields[i + 1] as ByteString;
		// Trailers go on, so that whoever takes them may say so, though it is said of the connection.
		if (name === "te") {
			if (takesTrailers(value)) out.te = "trailers";
		} else if (!CONNECTION_FIELDS.has(name) && !others.includes(name) && !options?.includes(name)) addField(out, name, value, leftOut);
	}
}

/** All that HTTP/2 can say of what RFC 9110 section 10.1.4 lists: codings are of HTTP/1.1 (RFC 9113 section 8.2.2). */
function takesTrailers(te: ByteString): boolean {
	return te
		.toLowerCase()
		.split(",")
		.some((member) => trimBlanks(member) === "trailers");
}

/** `node:http2` refuses to send these twice. RFC 9110 section 5.3: joined they mean the same. */
const SINGLE_FIELDS = new Set(
	(
		"access-control-allow-credentials access-control-max-age access-control-request-method age authorization content-encoding content-language content-length " +
		"content-location content-md5 content-range content-type date dnt etag expires from host if-match if-modified-since if-none-match if-range " +
		"if-unmodified-since last-modified location max-forwards proxy-authorization range referer retry-after tk upgrade-insecure-requests user-agent " +
		"x-content-type-options"
	).split(" "),
);

/** RFC 9113 section 8.2.1 and RFC 9110 section 5.5: peers refuse the whole message for a control character in a value. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

/** A value begins and ends without blanks (RFC 9113 section 8.2.1), which say nothing. */
function addField(out: OutgoingHttpHeaders, name: string, untrimmed: ByteString, leftOut: LeftOut): void {
	if (!isToken(name) || CONTROL.test(untrimmed)) {
		leftOut(name);
		return;
	}
	const value = trimBlanks(untrimmed);
	const there = out[name];
	if (there === undefined) out[name] = value;
	else if (Array.isArray(there)) there.push(value);
	else out[name] = SINGLE_FIELDS.has(name) ? `${there}, ${value}` : [String(there), value];
}

/** A length that is not that of the body would break the stream. */
function settleLength(out: OutgoingHttpHeaders, body: BodyLength, doubtful: boolean): void {
	if (!doubtful || out["content-length"] === undefined) return;
	if ("size" in body) out["content-length"] = String(body.size);
	else if (body.framing.kind === "length") out["content-length"] = String(body.framing.length);
	else delete out["content-length"];
}
