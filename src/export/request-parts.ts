// What the exporters of requests have in common: where a request goes, which of its fields a command names, and whether a body can stand in a
// command as text. A tape may be a stranger's: what could mean something else to the program that is called makes no command.
import { isUtf8 } from "node:buffer";
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { inOneLine, isToken } from "../flow/sendable.ts";
import { defaultPort, formatAuthority, parseAuthority, withoutFragment } from "../flow/url.ts";
import { isVisible } from "./shell.ts";

/** Told what of a request a command cannot say. */
export type Note = (message: string) => void;

type Field = readonly [name: ByteString, value: ByteString];

/** A request as programs are told to send it. */
export interface RequestParts {
	readonly method: ByteString;
	/** WebSocket begins as HTTP. */
	readonly scheme: "http" | "https";
	/** Where the request goes, IPv6 without brackets. */
	readonly host: string;
	readonly port: number;
	/** As on the wire: without a fragment, what no URL can hold percent-encoded. */
	readonly path: ByteString;
	/** What Host or `:authority` says; null: what the URL says. */
	readonly hostField: ByteString | null;
	/** Without Host, the length, and what belongs to the connection. */
	readonly fields: readonly Field[];
	readonly isChunked: boolean;
	readonly body: Buffer;
}

/** RFC 9110 sections 7.6.1, 7.8, 10.1.4 and 11.7.2; RFC 9113 section 3.2.1; the fields of old. */
const OF_CONNECTION = new Set(
	"connection proxy-connection keep-alive te trailer transfer-encoding upgrade http2-settings proxy-authorization proxy-authenticate".split(" "),
);
const OF_HANDSHAKE = new Set(["connection", "upgrade"]);

/** @throws FlowtapeError FT_LOSS for a request that no command can be made of */
export function requestParts(request: Request, note: Note): RequestParts {
	const { method, port, headers } = request;
	const scheme = /^(?:http|ws)(s?)$/i.exec(request.scheme);
	const host = toByteString(request.host);
	if (!isToken(method)) throw lost(`its method ${shown(method)} is none`);
	if (method.toUpperCase() === "CONNECT") throw lost("it is a CONNECT");
	if (scheme === null) throw lost(`its scheme ${shown(request.scheme)} is neither http nor https`);
	if (!isHost(host)) throw lost(`its host ${shown(host)} is none`);
	if (!(Number.isInteger(port) && port > 0 && port <= 65535)) throw lost(`its port ${port} is none`);
	const path = encoded(withoutFragment(request.path));
	if (!path.startsWith("/") && path !== "*") throw lost(`its path ${shown(path)} does not begin with a slash`);
	if (request.body === null) throw lost("the request's body was not recorded");
	const body = request.rawContent ?? Buffer.alloc(0);
	const isChunked = (headers.raw("transfer-encoding") ?? "").trim().toLowerCase() === "chunked";
	return {
		method,
		scheme: scheme[1] === "" ? "http" : "https",
		host: request.host,
		port,
		path,
		hostField: hostFieldOf(request),
		...{ fields: fieldsOf(request, note), isChunked, body },
	};
}

function lost(why: string): FlowtapeError {
	return new FlowtapeError("FT_LOSS", why);
}

function shown(text: ByteString): string {
	return JSON.stringify(toText(text.length > 100 ? `${text.slice(0, 100)}…` : text));
}

/** Whether text can be the host of a URL and nothing else. */
function isHost(host: ByteString): boolean {
	return host.includes(":") ? /^[\da-f:.]+$/i.test(host) : /^[\w\x80-\xff!$&'()*+,;=~.-]+$/.test(host);
}

/** The field of HTTP/1.1, the pseudo-field of HTTP/2; the first of several. */
function hostFieldOf({ httpVersion, headers, authority }: Request): ByteString | null {
	const [first] = headers.getAll("host");
	const field = first === undefined ? null : toByteString(first);
	const said = httpVersion.startsWith("HTTP/1") ? field : authority || field;
	return said === null ? null : inOneLine(said).trim();
}

function fieldsOf(request: Request, note: Note): Field[] {
	const { fields: list } = request.headers;
	const dropped = droppedFields(request);
	const fields: Field[] = [];
	for (let i = 0; i + 1 < list.length; i += 2) {
		const [name, value] = [list[i] as ByteString, inOneLine(list[i + 1] as ByteString)];
		const lower = name.toLowerCase();
		if (lower.startsWith(":") || lower === "host" || lower === "content-length" || dropped(lower)) continue;
		// any name but a token could mean something else to the program that is called
		if (isToken(name)) fields.push([name, value]);
		else note(`the header ${shown(name)} is left out: its name is none`);
	}
	return fields;
}

/** Which fields belong to the connection; those of a WebSocket handshake are what it is about. */
function droppedFields({ method, headers }: Request): (name: string) => boolean {
	const named = (headers.raw("connection") ?? "").toLowerCase().split(",");
	const options = new Set(named.map((option) => option.trim()));
	const isHandshake = method === "GET" && options.has("upgrade") && headers.raw("upgrade")?.trim().toLowerCase() === "websocket";
	return (name) => !(isHandshake && OF_HANDSHAKE.has(name)) && (OF_CONNECTION.has(name) || options.has(name));
}

/** What no URL holds, percent-encoded. */
function encoded(text: ByteString): ByteString {
	return text.replace(/[^!-~\x80-\xff]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}

/** A URL, in the bytes that go on the wire. */
export function urlOf({ scheme, path }: RequestParts, host: string, port: number): ByteString {
	return `${scheme}://${toByteString(formatAuthority(host, port, scheme))}${path === "*" ? "" : path}`;
}

/** The host and port that the Host field says; those of the server where it says none that a URL can have. */
export function namedServer({ hostField, scheme, host, port }: RequestParts): { host: string; port: number } {
	const named = hostField === null ? null : parseAuthority(toText(hostField));
	if (named === null || !isHost(toByteString(named.host))) return { host, port };
	return { host: named.host, port: named.port ?? defaultPort(scheme) };
}

/** Whether a client would take steps such as `..` out of the path if it is not told otherwise (RFC 3986 section 5.2.4). */
export function hasDotSteps({ path }: Pick<RequestParts, "path">): boolean {
	return /^[^?]*\/(?:\.|%2e){1,2}(?:[/?]|$)/i.test(path);
}

/** But for tab and line feed. */
function isControl(byte: number): boolean {
	return (byte < 0x20 && byte !== 0x09 && byte !== 0x0a) || byte === 0x7f;
}

/** Arguments have an end (MAX_ARG_STRLEN is 128 KiB), and very long ones are nothing to look at. Bytes. */
const ARGUMENT_LIMIT = 64 * 1024;

/** The body as text for an argument; null where it has to be piped in. */
export function textBody(body: Buffer): ByteString | null {
	if (body.length > ARGUMENT_LIMIT || !isUtf8(body) || body.some(isControl)) return null;
	const text = body.latin1Slice();
	return isVisible(text) ? text : null;
}
