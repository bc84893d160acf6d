// A request as a curl command that sends the same: fields in order, nothing added, the body to the byte.
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority } from "../flow/url.ts";
import { hasDotSteps, isBeyondUrls, namedFields, textBody, urlOf } from "./request-parts.ts";
import { commandLine, printf, quote } from "./shell.ts";

/** What curl sends unless it is told not to. */
const OWN_FIELDS = ["user-agent", "accept"];

/** A command for any POSIX shell; the last line ends with a line feed. */
export function curlCommand(request: Request): ByteString {
	const body = request.rawContent ?? Buffer.alloc(0);
	const text = body.length === 0 ? null : textBody(body);
	const isPiped = body.length > 0 && text === null;
	const parts = [
		...[`curl ${quote(urlOf(request))}`, ...urlOptions(request), ...methodOptions(request, body)],
		...namedFields(request).map(([name, value]) => `-H ${quote(value === "" ? `${name};` : `${name}: ${value}`)}`),
		...removedFields(request, body).map((name) => `-H ${quote(`${name}:`)}`),
	];
	// servers may insist on a length; of an empty body curl says none
	if (body.length === 0 && request.headers.has("content-length") && request.method !== "HEAD") parts.push(`-H ${quote("content-length: 0")}`);
	if (request.headers.has("accept-encoding")) parts.push("--compressed");
	if (isPiped) parts.push("--data-binary @-");
	else if (text !== null) parts.push(`--data-raw ${quote(text)}`);
	return isPiped ? `${printf(body)} |\n${commandLine(parts)}` : commandLine(parts);
}

function methodOptions({ method }: Request, body: Buffer): ByteString[] {
	if (method === "HEAD") return body.length === 0 ? ["--head"] : ["-X HEAD"];
	return method === (body.length === 0 ? "GET" : "POST") ? [] : [`-X ${quote(method)}`];
}

/** For what curl would change of the URL, for another version, and for a server that is not the one that the URL names. */
function urlOptions(request: Request): ByteString[] {
	const options: ByteString[] = [];
	if (/[[\]{}]/.test(request.prettyUrl)) options.push("--globoff");
	if (isBeyondUrls(request)) options.push(`--request-target ${quote(request.path)}`);
	else if (hasDotSteps(request)) options.push("--path-as-is");
	if (request.httpVersion === "HTTP/1.0") options.push("--http1.0");
	if (request.httpVersion.startsWith("HTTP/2")) options.push("--http2");
	const { prettyHost, host, port } = request;
	if (prettyHost !== host) options.push(`--connect-to ${quote(`::${formatAuthority(host, port)}`)}`);
	return options;
}

function removedFields(request: Request, body: Buffer): ByteString[] {
	const own = body.length > 0 ? [...OWN_FIELDS, "content-type", "expect"] : OWN_FIELDS;
	return own.filter((name) => !request.headers.has(name));
}
