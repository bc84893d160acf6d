// Messages as HTTP/1.1 has them on the wire (RFC 9112). What a parser would take for another message is not written.
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import type { Message, Request } from "../flow/message.ts";
import { dropUnsendable, inOneLine, unsendable } from "../flow/sendable.ts";
import { formatAuthority, withoutFragment } from "../flow/url.ts";

/** @throws FlowtapeError FT_LOSS when the body was not recorded, or there is no request line for it */
export function rawRequest({ request }: HttpFlow): Buffer {
	const why = request.method === "CONNECT" ? null : unsendable(request);
	if (why !== null) throw new FlowtapeError("FT_LOSS", why);
	const headers = sendableHeaders(request);
	if (!headers.has("host") && request.httpVersion !== "HTTP/1.0") headers.insert(0, "Host", hostOf(request));
	const body = recordedBody(request, "the request's");
	const framing = frame(headers, request, body, true);
	return assemble(`${request.method} ${targetOf(request)} ${version(request)}`, headers, framing);
}

/** In absolute form where it was, which is no matter of HTTP/2. */
function targetOf(request: Request): ByteString {
	const { method, authority, httpVersion, scheme, path } = request;
	if (authority !== "" && !/^[!-~]+$/.test(authority)) throw new FlowtapeError("FT_LOSS", "its authority is none");
	if (method === "CONNECT") return authority || toByteString(formatAuthority(request.host, request.port));
	const isAbsolute = authority !== "" && httpVersion.startsWith("HTTP/1.") && /^(?:http|ws)s?$/i.test(scheme);
	return isAbsolute ? withoutFragment(toByteString(request.url)) : withoutFragment(path);
}

function hostOf({ authority, host, port, scheme }: Request): string {
	return authority || formatAuthority(host, port, scheme);
}

/** @throws FlowtapeError FT_LOSS when there is no response or its body was not recorded */
export function rawResponse({ request, response }: HttpFlow): Buffer {
	if (response === null) throw new FlowtapeError("FT_LOSS", "there is no response");
	const { statusCode } = response;
	if (!(Number.isInteger(statusCode) && statusCode >= 100 && statusCode <= 999))
		throw new FlowtapeError("FT_LOSS", `its status ${statusCode} has not three digits`);
	const headers = sendableHeaders(response);
	const body = recordedBody(response, "the response's");
	// RFC 9112 section 6.3: these end with their head, whatever it says
	const isBodiless = request.method === "HEAD" || statusCode < 200 || statusCode === 204 || statusCode === 304;
	const framing = isBodiless && body.length === 0 ? [] : frame(headers, response, body, false);
	return assemble(`${version(response)} ${statusCode} ${inOneLine(response.reason)}`, headers, framing);
}

/** Both, an empty line between them; what there is, where one is missing. */
export function rawFlow(flow: HttpFlow): Buffer {
	const between = Buffer.from("\r\n\r\n");
	if (flow.request.body === null) return rawResponse(flow);
	return flow.response === null || flow.response.body === null ? rawRequest(flow) : Buffer.concat([rawRequest(flow), between, rawResponse(flow)]);
}

function version({ httpVersion }: Message): ByteString {
	return httpVersion === "HTTP/1.0" ? httpVersion : "HTTP/1.1";
}

function sendableHeaders(message: Message): Headers {
	const headers = message.headers.copy();
	dropUnsendable(headers);
	return headers;
}

function recordedBody({ rawContent }: Message, whose: string): Buffer {
	if (rawContent === null) throw new FlowtapeError("FT_LOSS", `${whose} body was not recorded`);
	return rawContent;
}

/** The body in the coding that the head names; the head is made to say how long it is (RFC 9112 section 6). */
function frame(headers: Headers, message: Message, body: Buffer, isRequest: boolean): Buffer[] {
	const isChunked = /\bchunked\s*$/i.test(headers.get("transfer-encoding") ?? "") && version(message) === "HTTP/1.1";
	if (isChunked) {
		headers.delete("content-length");
		const trailers = message.trailers?.copy();
		if (trailers !== undefined) dropUnsendable(trailers);
		return chunked(body, trailers?.block() ?? "");
	}
	headers.delete("transfer-encoding");
	const length = String(body.length);
	// a response without a length ends with its connection
	const isMissing = !headers.has("content-length") && isRequest && body.length > 0;
	if (isMissing || (headers.has("content-length") && headers.get("content-length") !== length)) headers.set("content-length", length);
	return [body];
}

function assemble(firstLine: ByteString, headers: Headers, body: readonly Buffer[]): Buffer {
	return Buffer.concat([Buffer.from(`${firstLine}\r\n${headers.block()}\r\n`, "latin1"), ...body]);
}

/** RFC 9112 section 7.1 */
function chunked(body: Buffer, trailers: ByteString): Buffer[] {
	const chunk = body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")];
	return [...chunk, Buffer.from(`0\r\n${trailers}\r\n`, "latin1")];
}
