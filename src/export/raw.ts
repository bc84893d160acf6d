// Exports messages as HTTP/1.1 bytes (RFC 9112). It never writes headers or request lines that could inject another
// message.
import { FlowtapeError } from "../errors.ts";
import { type Body, bodySize } from "../flow/body.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import { isRequestCut, responseCut } from "../flow/ending.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import type { Message, Request } from "../flow/message.ts";
import { dropUnsendable, inOneLine, whyNotSendable } from "../flow/sendable.ts";
import { formatAuthority, withoutFragment } from "../flow/url.ts";
import { noteIncomplete } from "./incomplete.ts";
import type { Exported } from "./pieces.ts";
import type { Note } from "./request-parts.ts";

/**
 * The request as HTTP/1.1 bytes.
 * @throws FlowtapeError FT_LOSS if the body was not recorded, or the request line would not be valid
 */
export function rawRequest(flow: HttpFlow, note: Note = () => {}): Exported {
	const { request } = flow;
	const why = request.method === "CONNECT" ? null : whyNotSendable(request);
	if (why !== null) throw new FlowtapeError("FT_LOSS", why);
	const headers = sendableHeaders(request);
	if (!headers.has("host") && request.httpVersion !== "HTTP/1.0") headers.insert(0, "Host", hostOf(request));
	const body = recordedBody(request, "the request's");
	const framing = frame(headers, request, body, { isRequest: true, isCut: isRequestCut(flow) });
	noteIncomplete(flow, ["request"], note);
	return [head(`${request.method} ${targetOf(request)} ${version(request)}`, headers), ...framing];
}

/** The request target. It is in absolute form if it was sent so in HTTP/1. */
function targetOf(request: Request): ByteString {
	const { method, authority, httpVersion, scheme, path } = request;
	if (authority !== "" && !/^[!-~]+$/.test(authority)) throw new FlowtapeError("FT_LOSS", "its authority is not valid");
	if (method === "CONNECT") return authority || toByteString(formatAuthority(request.host, request.port));
	const isAbsolute = authority !== "" && httpVersion.startsWith("HTTP/1.") && /^(?:http|ws)s?$/i.test(scheme);
	return isAbsolute ? withoutFragment(toByteString(request.url)) : withoutFragment(path);
}

function hostOf({ authority, host, port, scheme }: Request): string {
	return authority || formatAuthority(host, port, scheme);
}

/**
 * The response as HTTP/1.1 bytes.
 * @throws FlowtapeError FT_LOSS if there is no response, its body was not recorded or its status is not valid
 */
export function rawResponse(flow: HttpFlow, note: Note = () => {}): Exported {
	const { request, response } = flow;
	if (response === null) throw new FlowtapeError("FT_LOSS", "there is no response");
	const { statusCode } = response;
	if (!(Number.isInteger(statusCode) && statusCode >= 100 && statusCode <= 999))
		throw new FlowtapeError("FT_LOSS", `its status ${statusCode} does not have three digits`);
	const headers = sendableHeaders(response);
	const body = recordedBody(response, "the response's");
	// RFC 9112 section 6.3: these responses have no body, even if their headers say so
	const isBodiless = request.method === "HEAD" || statusCode < 200 || statusCode === 204 || statusCode === 304;
	const isCut = responseCut(flow) !== null;
	const framing = isBodiless && !bodySize(body) ? [] : frame(headers, response, body, { isRequest: false, isCut });
	noteIncomplete(flow, ["response"], note);
	return [head(`${version(response)} ${statusCode} ${inOneLine(response.reason)}`, headers), ...framing];
}

/**
 * The request and the response, separated by two line breaks. If the body of one of them was not recorded, or there is
 * no response, only the other one.
 * @throws FlowtapeError FT_LOSS as `rawRequest` and `rawResponse`
 */
export function rawFlow(flow: HttpFlow, note: Note = () => {}): Exported {
	if (flow.request.body === null) {
		const response = rawResponse(flow, note);
		note("its request is left out: the request's body was not recorded");
		return response;
	}
	const request = rawRequest(flow, note);
	if (flow.response === null) return request;
	if (flow.response.body === null) {
		note("its response is left out: the response's body was not recorded");
		return request;
	}
	return [...request, Buffer.from("\r\n\r\n"), ...rawResponse(flow, note)];
}

function version({ httpVersion }: Message): ByteString {
	return httpVersion === "HTTP/1.0" ? httpVersion : "HTTP/1.1";
}

function sendableHeaders(message: Message): Headers {
	const headers = message.headers.copy();
	dropUnsendable(headers);
	return headers;
}

function recordedBody({ body }: Message, whose: string): NonNullable<Body> {
	if (body === null) throw new FlowtapeError("FT_LOSS", `${whose} body was not recorded`);
	return body;
}

/**
 * Applies the chunked transfer coding if the headers name it, and corrects the headers that frame the body (RFC 9112
 * section 6). An incomplete body stays incomplete: it keeps its recorded length, or is chunked without the last chunk.
 */
function frame(
	headers: Headers,
	message: Message,
	body: NonNullable<Body>,
	{ isRequest, isCut }: { isRequest: boolean; isCut: boolean },
): Exported {
	const size = bodySize(body) ?? 0;
	const length = headers.get("content-length");
	const isChunked =
		version(message) === "HTTP/1.1" &&
		(/\bchunked\s*$/i.test(headers.get("transfer-encoding") ?? "") || (isCut && length === null));
	if (isChunked) {
		headers.delete("content-length");
		if (isCut) {
			if (!headers.has("transfer-encoding")) headers.set("transfer-encoding", "chunked");
			return chunk(body);
		}
		const trailers = message.trailers?.copy();
		if (trailers !== undefined) dropUnsendable(trailers);
		return [...chunk(body), Buffer.from(`0\r\n${trailers?.block() ?? ""}\r\n`, "latin1")];
	}
	headers.delete("transfer-encoding");
	if (isCut && Number(length) > size) return [body];
	// a response without a length ends when the connection closes
	const isMissing = length === null && isRequest && size > 0;
	if (isMissing || (length !== null && length !== String(size))) headers.set("content-length", String(size));
	return [body];
}

function head(firstLine: ByteString, headers: Headers): Buffer {
	return Buffer.from(`${firstLine}\r\n${headers.block()}\r\n`, "latin1");
}

/** RFC 9112 section 7.1 */
function chunk(body: NonNullable<Body>): Exported {
	const size = bodySize(body) ?? 0;
	return size === 0 ? [] : [Buffer.from(`${size.toString(16)}\r\n`), body, Buffer.from("\r\n")];
}
