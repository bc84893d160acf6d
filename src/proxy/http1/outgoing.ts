// The framing of forwarded HTTP/1.1 messages. Unchanged messages keep the framing they arrived with. The framing of a
// message that a hook made or changed is derived from its actual body, not from its header fields: with a wrong length,
// the receiver would wait for ever.
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Request, Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import { formatAuthority, withoutFragment } from "../../flow/url.ts";
import type { BodyLength } from "../body/pipe.ts";
import { http1RequestFields, isHttp2 } from "../http2/fields.ts";
import type { UpstreamProxy } from "../route/destination.ts";
import { type Framing, isBodiless, requestFraming, responseFraming } from "../wire/framing.ts";
import { writeRequestHead, writeResponseHead } from "../wire/head.ts";
import { isPersistent } from "../wire/hop-by-hop.ts";
import type { Coding } from "./writer.ts";

/** A message to send on an HTTP/1.1 connection. */
export interface Outgoing {
	version: ByteString;
	fields: ByteString[];
	head: ByteString;
	coding: Coding;
}

/** The parts of a request that decide how its response is framed. */
export type FramingRequest = Pick<Request, "method" | "httpVersion" | "headers">;

/** A request in origin form, or in absolute form for a `forwarder`. `touched`: a hook may have changed it. */
export function outgoingRequest(
	request: Request,
	body: BodyLength,
	touched: boolean,
	forwarder: UpstreamProxy | null = null,
): Outgoing {
	const { method } = request;
	// A fragment, which a file or a rule can add, is not sent (RFC 9110 section 7.1).
	const path = withoutFragment(request.path) || "/";
	const isChunked = "framing" in body && body.framing.kind === "chunked";
	// RFC 9112 section 6.1: HTTP/1.0 has no chunked coding.
	const version = request.httpVersion === "HTTP/1.0" && !isChunked ? "HTTP/1.0" : "HTTP/1.1";
	const isForeign = isHttp2(request);
	let fields = isForeign ? http1RequestFields(request) : request.headers.fields;
	let coding: Coding;
	// RFC 9112 section 6.3: Content-Length is not forwarded with a chunked body.
	if (!touched && !isForeign && "framing" in body && !(isChunked && request.headers.has("content-length")))
		coding = codingOf(body.framing);
	else {
		const announced = announcedFraming(() => requestFraming({ method, target: path, version, fields }));
		const can = { chunked: version === "HTTP/1.1", implied: announced?.kind === "none" && sizeOf(body) === 0 };
		const framing = chooseFraming(body, announced, request.trailers, can);
		if (!isSame(framing, announced)) fields = withFraming(fields, framing);
		coding = codingOf(framing);
	}
	const head =
		forwarder === null
			? writeRequestHead(method, path, version, fields)
			: writeProxyRequestHead(request, version, fields, forwarder);
	return { version, fields, head, coding };
}

/**
 * The response to `request`. `touched`: a hook made it or may have changed it. `close`: the connection must be closed
 * after the message, because the close delimits the body (`untilClose`), or because the head announces it.
 * @param closes whether the connection must be closed in any case (RFC 9110 section 10.1.1)
 */
export function outgoingResponse(
	response: Response,
	request: FramingRequest,
	body: BodyLength,
	touched: boolean,
	closes = false,
): Outgoing & { close: boolean; untilClose: boolean } {
	const version = response.httpVersion === "HTTP/1.0" ? "HTTP/1.0" : "HTTP/1.1";
	const { statusCode } = response;
	const reason = isHttp2(response) ? standardReason(statusCode) : response.reason;
	let { fields } = response.headers;
	let framing: Framing;
	const old = request.httpVersion === "HTTP/1.0";
	if (
		!touched &&
		!isHttp2(response) &&
		"framing" in body &&
		!(body.framing.kind === "chunked" && (old || version === "HTTP/1.0" || response.headers.has("content-length")))
	)
		framing = body.framing;
	else if (isBodiless(request.method, statusCode)) {
		framing = { kind: "none" };
		// RFC 9110 section 8.6, RFC 9112 section 6.1: these fields are forbidden here, and a client might trust them.
		if ((statusCode < 200 || statusCode === 204) && hasSizing(response.headers)) fields = withFraming(fields, framing);
	} else {
		const announced = announcedFraming(() =>
			responseFraming({ version, status: statusCode, reason, fields }, request.method),
		);
		framing = chooseFraming(body, announced, response.trailers, {
			chunked: !old && version === "HTTP/1.1",
			implied: false,
		});
		if (!isSame(framing, announced)) fields = withFraming(fields, framing);
	}
	if ((closes || ("size" in body && mustAnnounceClose(request))) && isPersistent(version, fields))
		fields = [...fields, "Connection", "close"];
	return {
		version,
		fields,
		head: writeResponseHead(version, statusCode, reason, fields),
		coding: codingOf(framing),
		close: framing.kind === "close" || !isPersistent(version, fields),
		untilClose: framing.kind === "close",
	};
}

/**
 * The framing of a response body that will stay incomplete: as recorded, unless the body would look complete with it.
 * @param size bytes of the body that will be sent
 */
export function unfinishedFraming(response: Response, method: ByteString, size: number): Framing {
	const { statusCode, reason, headers } = response;
	if (isBodiless(method, statusCode)) return { kind: "none" };
	const version = response.httpVersion === "HTTP/1.0" ? "HTTP/1.0" : "HTTP/1.1";
	const announced = announcedFraming(() =>
		responseFraming({ version, status: statusCode, reason, fields: headers.fields }, method),
	);
	if (announced?.kind === "length") return announced.length > size ? announced : { kind: "chunked" };
	return announced?.kind === "close" && version === "HTTP/1.0" ? announced : { kind: "chunked" };
}

/**
 * RFC 9112 section 9.6: a client that asked for `close` must be answered with it. Servers do that themselves; responses
 * of hooks may lack it.
 */
function mustAnnounceClose({ httpVersion, headers }: FramingRequest): boolean {
	return httpVersion === "HTTP/1.1" && !isPersistent(httpVersion, headers.fields);
}

function codingOf(framing: Framing): Coding {
	return framing.kind === "chunked" ? "chunked" : framing.kind === "none" ? "none" : "plain";
}

/** The framing that the fields announce; null if they contradict each other. */
function announcedFraming(read: () => Framing): Framing | null {
	try {
		return read();
	} catch {
		return null;
	}
}

/**
 * The framing to use. A complete body keeps the coding that its fields announce; an incomplete body keeps the framing
 * of its sender. Known trailers need the chunked coding (RFC 9112 section 7.1.2); in HTTP/2 they may also follow a body
 * with a length.
 */
function chooseFraming(
	body: BodyLength,
	announced: Framing | null,
	trailers: Headers | null,
	can: { chunked: boolean; implied: boolean },
): Framing {
	if (can.chunked && trailers?.size) return { kind: "chunked" };
	if ("framing" in body) return body.framing.kind === "chunked" && !can.chunked ? { kind: "close" } : body.framing;
	if (can.implied) return { kind: "none" };
	if (announced?.kind === "chunked" && can.chunked) return announced;
	return { kind: "length", length: body.size };
}

function sizeOf(body: BodyLength): number {
	return "size" in body ? body.size : body.framing.kind === "none" ? 0 : -1;
}

function isSame(framing: Framing, announced: Framing | null): boolean {
	if (announced === null || framing.kind !== announced.kind) return false;
	return framing.kind !== "length" || announced.kind !== "length" || framing.length === announced.length;
}

function hasSizing(headers: Headers): boolean {
	return headers.has("content-length") || headers.has("transfer-encoding");
}

/** A copy of the fields that announces this framing and no other. */
function withFraming(fields: readonly ByteString[], framing: Framing): ByteString[] {
	const copy = new Headers(fields.slice());
	if (framing.kind !== "chunked") copy.delete("transfer-encoding");
	else copy.set("transfer-encoding", "chunked");
	if (framing.kind !== "length") copy.delete("content-length");
	else copy.set("content-length", String(framing.length));
	return copy.fields;
}

/**
 * The head of a request in absolute form (RFC 9112 section 3.2.2). The credentials are for this proxy only, and are not
 * part of the flow.
 */
export function writeProxyRequestHead(
	request: Request,
	version: ByteString,
	fields: readonly ByteString[],
	{ authorization }: UpstreamProxy,
): ByteString {
	const { method, host, port, path } = request;
	const target = `http://${toByteString(formatAuthority(host, port, "http"))}${path === "*" ? "" : withoutFragment(path)}`;
	if (authorization === null) return writeRequestHead(method, target, version, fields);
	const authorized = new Headers([...fields]);
	authorized.set("Proxy-Authorization", authorization);
	return writeRequestHead(method, target, version, authorized.fields);
}
