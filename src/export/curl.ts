// A request as a curl command that sends the same: fields in order, nothing added, the body to the byte.
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { hasDotSteps, type Note, namedServer, type RequestParts, requestParts, textBody, urlOf } from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** What curl sends unless it is told not to. */
const OWN_FIELDS = ["user-agent", "accept"];

/**
 * A command for any POSIX shell; the last line ends with a line feed.
 * @throws FlowtapeError FT_LOSS for a request that no command can be made of
 */
export function curlCommand(request: Request, note: Note = () => {}): ByteString {
	const parts = requestParts(request, note);
	const { body, method } = parts;
	const text = body.length === 0 ? null : textBody(body);
	const isPiped = body.length > 0 && text === null;
	const fields = namedFields(request, parts);
	const words = [
		...[`curl ${quote(urlOf(parts, namedServer(parts).host, namedServer(parts).port))}`, ...urlOptions(request, parts), ...methodOptions(parts)],
		...fields.map(([name, value]) => `-H ${quote(/^[\t ]*$/.test(value) ? `${name};` : `${name}: ${value}`)}`),
		...removedFields(fields, body).map((name) => `-H ${quote(`${name}:`)}`),
	];
	// servers may insist on a length; of an empty body curl says none
	if (body.length === 0 && request.headers.has("content-length") && method !== "HEAD") words.push(`-H ${quote("content-length: 0")}`);
	if (request.headers.has("accept-encoding")) words.push("--compressed");
	if (isPiped) words.push("--data-binary @-");
	else if (text !== null) words.push(`--data-raw ${quote(text)}`);
	return isPiped ? `${printf(body)} |\n${commandLine(words)}` : commandLine(words);
}

/** With Host where the URL says another, and the chunked coding, which curl applies itself where there is a body. */
function namedFields({ httpVersion }: Request, parts: RequestParts): RequestParts["fields"] {
	const { hostField, fields, isChunked, body, scheme } = parts;
	const { host, port } = namedServer(parts);
	const named: (readonly [ByteString, ByteString])[] =
		hostField === null || hostField === toByteString(formatAuthority(host, port, scheme)) ? [] : [["Host", hostField]];
	if (isChunked && body.length > 0 && httpVersion === "HTTP/1.1") return [...named, ...fields, ["Transfer-Encoding", "chunked"]];
	return [...named, ...fields];
}

function methodOptions({ method, body }: RequestParts): ByteString[] {
	if (method === "HEAD") return body.length === 0 ? ["--head"] : ["-X HEAD"];
	return method === (body.length === 0 ? "GET" : "POST") ? [] : [`-X ${quote(method)}`];
}

/** For what curl would change of the URL, for another version, and for a server that is not the one that the URL names. */
function urlOptions({ httpVersion }: Request, parts: RequestParts): ByteString[] {
	const { host, port, path, scheme } = parts;
	const named = namedServer(parts);
	const options: ByteString[] = [];
	if (/[[\]{}]/.test(path) || named.host.includes(":")) options.push("--globoff");
	if (path === "*" || path.endsWith("?")) options.push(`--request-target ${quote(path)}`);
	else if (hasDotSteps(parts)) options.push("--path-as-is");
	if (httpVersion === "HTTP/1.0") options.push("--http1.0");
	// without TLS curl would ask the server to change to it
	if (httpVersion.startsWith("HTTP/2") && scheme === "https") options.push("--http2");
	if (named.host.toLowerCase() !== host.toLowerCase() || named.port !== port) options.push(`--connect-to ${quote(`::${formatAuthority(host, port)}`)}`);
	return options;
}

function removedFields(fields: RequestParts["fields"], body: Buffer): ByteString[] {
	const there = new Set(fields.map(([name]) => name.toLowerCase()));
	const own = body.length > 0 ? [...OWN_FIELDS, "content-type", "expect"] : OWN_FIELDS;
	return own.filter((name) => !there.has(name));
}
