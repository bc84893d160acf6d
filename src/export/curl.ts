// Exports a request as a curl command. It sends the same headers in the same order, no others, and the same body.
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import {
	fieldsWithHost,
	hasDotSegments,
	type Note,
	namedServer,
	type RequestParts,
	requestParts,
	requestUrl,
	textBody,
} from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** Headers that curl adds by default. */
const DEFAULT_HEADERS = ["user-agent", "accept"];

/**
 * Makes a command for POSIX shells, ending with a line feed.
 * @throws FlowtapeError FT_LOSS if the request cannot be expressed as a command
 */
export function curlCommand(request: Request, note: Note = () => {}): ByteString {
	const parts = requestParts(request, note);
	const { body, method } = parts;
	const text = body.length === 0 ? null : textBody(body);
	const isPiped = body.length > 0 && text === null;
	const fields = namedFields(request, parts);
	const words = [
		`curl ${quote(requestUrl(parts, namedServer(parts).host, namedServer(parts).port))}`,
		...urlOptions(request, parts),
		...methodOptions(parts),
		...fields.map(([name, value]) => `-H ${quote(/^[\t ]*$/.test(value) ? `${name};` : `${name}: ${value}`)}`),
		...removedFields(fields, body).map((name) => `-H ${quote(`${name}:`)}`),
	];
	// some servers require a length, which curl does not send for an empty body
	if (body.length === 0 && request.headers.has("content-length") && method !== "HEAD")
		words.push(`-H ${quote("content-length: 0")}`);
	if (request.headers.has("accept-encoding")) words.push("--compressed");
	if (isPiped) words.push("--data-binary @-");
	else if (text !== null) words.push(`--data-raw ${quote(text)}`);
	return isPiped ? `${printf(body)} |\n${commandLine(words)}` : commandLine(words);
}

/**
 * The headers that the command names. Host is among them if it differs from the URL, and Transfer-Encoding if there is
 * a body, which curl then sends in chunks.
 */
function namedFields({ httpVersion }: Request, parts: RequestParts): RequestParts["fields"] {
	const { isChunked, body } = parts;
	const fields = fieldsWithHost(parts, namedServer(parts));
	if (isChunked && body.length > 0 && httpVersion === "HTTP/1.1") return [...fields, ["Transfer-Encoding", "chunked"]];
	return fields;
}

function methodOptions({ method, body }: RequestParts): ByteString[] {
	if (method === "HEAD") return body.length === 0 ? ["--head"] : ["-X HEAD"];
	return method === (body.length === 0 ? "GET" : "POST") ? [] : [`-X ${quote(method)}`];
}

/**
 * Options that keep curl from changing the URL, select the HTTP version, and connect to a server other than the one in
 * the URL.
 */
function urlOptions({ httpVersion }: Request, parts: RequestParts): ByteString[] {
	const { host, port, path, scheme } = parts;
	const named = namedServer(parts);
	const options: ByteString[] = [];
	if (/[[\]{}]/.test(path) || named.host.includes(":")) options.push("--globoff");
	if (path === "*" || path.endsWith("?")) options.push(`--request-target ${quote(path)}`);
	else if (hasDotSegments(parts)) options.push("--path-as-is");
	if (httpVersion === "HTTP/1.0") options.push("--http1.0");
	// without TLS, curl would send an Upgrade to h2c
	if (httpVersion.startsWith("HTTP/2") && scheme === "https") options.push("--http2");
	if (named.host.toLowerCase() !== host.toLowerCase() || named.port !== port)
		options.push(`--connect-to ${quote(`::${formatAuthority(host, port)}`)}`);
	return options;
}

function removedFields(fields: RequestParts["fields"], body: Buffer): ByteString[] {
	const present = new Set(fields.map(([name]) => name.toLowerCase()));
	const added = body.length > 0 ? [...DEFAULT_HEADERS, "content-type", "expect"] : DEFAULT_HEADERS;
	return added.filter((name) => !present.has(name));
}
