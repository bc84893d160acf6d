// The parts of a request that exporters share: server, URL, headers, body. Tapes may be untrusted, so requests that the
// called program could interpret differently are rejected.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { inOneLine, isToken } from "../flow/sendable.ts";
import { defaultPort, formatAuthority, parseAuthority, withoutFragment } from "../flow/url.ts";
import { isVisible } from "./shell.ts";

/** Receives a message for each part of a request that the command leaves out or changes. */
export type Note = (message: string) => void;

type Field = readonly [name: ByteString, value: ByteString];

/** The parts of a request, prepared for a command. */
export interface RequestParts {
	readonly method: ByteString;
	/** `ws` and `wss` are exported as the HTTP request of the handshake. */
	readonly scheme: "http" | "https";
	/** The server, IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
	/** As on the wire: without fragment; characters that are not allowed in URLs are percent-encoded. */
	readonly path: ByteString;
	/** The value of Host or `:authority`; null: there is neither, so the host in the URL applies. */
	readonly hostField: ByteString | null;
	/** The headers, without Host, Content-Length and hop-by-hop headers. */
	readonly fields: readonly Field[];
	readonly isChunked: boolean;
	readonly body: Buffer;
}

/** Maximum size of a body, in bytes: commands and code are five times as long, and no shell or editor takes much more. */
const BODY_LIMIT = 8 * 1024 * 1024;

/** Hop-by-hop headers: RFC 9110 sections 7.6.1, 7.8, 10.1.4 and 11.7.2; RFC 9113 section 3.2.1; and older ones. */
const HOP_BY_HOP = new Set(
	"connection proxy-connection keep-alive te trailer transfer-encoding upgrade http2-settings proxy-authorization proxy-authenticate".split(
		" ",
	),
);
const HANDSHAKE = new Set(["connection", "upgrade"]);

/**
 * Prepares a request for a command.
 * @throws FlowtapeError FT_LOSS if the request cannot be expressed as a command
 */
export function requestParts(request: Request, note: Note): RequestParts {
	const { method, port, headers } = request;
	const scheme = /^(?:http|ws)(s?)$/i.exec(request.scheme);
	const host = toByteString(request.host);
	if (!isToken(method)) throw lost(`its method ${quoted(method)} is not valid`);
	if (method.toUpperCase() === "CONNECT") throw lost("it is a CONNECT request");
	if (scheme === null) throw lost(`its scheme ${quoted(request.scheme)} is neither http nor https`);
	if (!isHost(host)) throw lost(`its host ${quoted(host)} is not valid`);
	if (!(Number.isInteger(port) && port > 0 && port <= 65535)) throw lost(`its port ${port} is not valid`);
	const path = encoded(withoutFragment(request.path));
	if (!path.startsWith("/") && path !== "*") throw lost(`its path ${quoted(path)} does not begin with a slash`);
	if (request.body === null) throw lost("the request's body was not recorded");
	if ((request.bodySize ?? 0) > BODY_LIMIT)
		throw lost(`its body has ${request.bodySize} bytes, too many for a command; export it as raw-request`);
	const body = request.rawContent ?? Buffer.alloc(0);
	const isChunked = (headers.raw("transfer-encoding") ?? "").trim().toLowerCase() === "chunked";
	return {
		method,
		scheme: scheme[1] === "" ? "http" : "https",
		host: request.host,
		port,
		path,
		hostField: hostFieldOf(request),
		fields: fieldsOf(request, note),
		isChunked,
		body,
	};
}

function lost(why: string): FlowtapeError {
	return new FlowtapeError("FT_LOSS", why);
}

function quoted(text: ByteString): string {
	return JSON.stringify(toText(text.length > 100 ? `${text.slice(0, 100)}…` : text));
}

/** Whether text is a host name or address that is safe in a URL. */
function isHost(host: ByteString): boolean {
	return host.includes(":") ? /^[\da-f:.]+$/i.test(host) : /^[\w\x80-\xff!$&'()*+,;=~.-]+$/.test(host);
}

/** The first Host header; for HTTP/2 and HTTP/3 `:authority` if there is one; null: there is neither. */
function hostFieldOf({ httpVersion, headers, authority }: Request): ByteString | null {
	const [first] = headers.getAll("host");
	const field = first === undefined ? null : toByteString(first);
	const value = httpVersion.startsWith("HTTP/1") ? field : authority || field;
	return value === null ? null : inOneLine(value).trim();
}

function fieldsOf(request: Request, note: Note): Field[] {
	const { fields: list } = request.headers;
	const dropped = droppedFields(request);
	const fields: Field[] = [];
	for (let i = 0; i + 1 < list.length; i += 2) {
		const [name, value] = [list[i] as ByteString, inOneLine(list[i + 1] as ByteString)];
		const lower = name.toLowerCase();
		if (lower.startsWith(":") || lower === "host" || lower === "content-length" || dropped(lower)) continue;
		// the called program could interpret a name that is not a token differently
		if (isToken(name)) fields.push([name, value]);
		else note(`the header ${quoted(name)} is left out: its name is not valid`);
	}
	return fields;
}

/** Whether a header is hop-by-hop. Those of a WebSocket handshake are kept. */
function droppedFields({ method, headers }: Request): (name: string) => boolean {
	const named = (headers.raw("connection") ?? "").toLowerCase().split(",");
	const options = new Set(named.map((option) => option.trim()));
	const isHandshake =
		method === "GET" && options.has("upgrade") && headers.raw("upgrade")?.trim().toLowerCase() === "websocket";
	return (name) => !(isHandshake && HANDSHAKE.has(name)) && (HOP_BY_HOP.has(name) || options.has(name));
}

/** Percent-encodes characters that are not allowed in URLs. */
function encoded(text: ByteString): ByteString {
	return text.replace(/[^!-~\x80-\xff]/g, escapeOf);
}

function escapeOf(byte: string): string {
	return `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** The URL with this host and port, as a byte string. */
export function requestUrl({ scheme, path }: RequestParts, host: string, port: number): ByteString {
	return `${scheme}://${toByteString(formatAuthority(host, port, scheme))}${path === "*" ? "" : path}`;
}

/** The same, in ASCII: clients that take text would percent-encode the UTF-8 of each byte. */
export function asciiUrl(parts: RequestParts): string {
	return requestUrl(parts, parts.host, parts.port).replace(/[^!-~]/g, escapeOf);
}

/** The Host header if it differs from what the URL implies, then the other headers. Default: the URL of the server. */
export function fieldsWithHost(
	{ hostField, fields, scheme, ...server }: RequestParts,
	{ host, port }: Pick<RequestParts, "host" | "port"> = server,
): RequestParts["fields"] {
	const isImplied = hostField === null || hostField === toByteString(formatAuthority(host, port, scheme));
	return isImplied ? fields : [["Host", hostField], ...fields];
}

/** The host and port in the Host header; those of the server if the header is missing or not valid in a URL. */
export function namedServer({ hostField, scheme, host, port }: RequestParts): { host: string; port: number } {
	const named = hostField === null ? null : parseAuthority(toText(hostField));
	if (named === null || !isHost(toByteString(named.host))) return { host, port };
	return { host: named.host, port: named.port ?? defaultPort(scheme) };
}

/** Whether the path has dot segments, which clients remove by default (RFC 3986 section 5.2.4). */
export function hasDotSegments({ path }: Pick<RequestParts, "path">): boolean {
	return /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path);
}

/** Whether a byte is a control character other than tab and line feed. */
function isControl(byte: number): boolean {
	return (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f;
}

/** Maximum size of a body in an argument, in bytes. Linux limits arguments to 128 KiB (MAX_ARG_STRLEN). */
const ARGUMENT_LIMIT = 64 * 1024;

/** The body as text for an argument; null: it must be piped in. */
export function textBody(body: Buffer): ByteString | null {
	if (body.length > ARGUMENT_LIMIT || !isUtf8(body) || body.some(isControl)) return null;
	const text = body.latin1Slice();
	return isVisible(text) ? text : null;
}
