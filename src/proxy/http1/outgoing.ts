// How a message is framed when it is sent on. What nobody touched goes as it came; what a hook made or changed is framed by what its body
// really is, whatever its fields say: a wrong length would leave the other end waiting for ever.
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

/** A message as an HTTP/1.1 connection sends it. */
export interface Outgoing {
	version: ByteString;
	fields: ByteString[];
	head: ByteString;
	coding: Coding;
}

/** What of a request decides how its response is framed. */
export type Asked = Pick<Request, "method" | "httpVersion" | "headers">;

/** A request in origin form, or as a proxy is to forward it. `touched`: a hook may have changed it. */
export function outgoingRequest(request: Request, body: BodyLength, touched: boolean, forwarder: UpstreamProxy | null = null): Outgoing {
	const { method } = request;
	// a fragment that a file has, or that a rule put there, is the client's own (RFC 9110 section 7.1)
	const path = withoutFragment(request.path) || "/";
	const isChunked = "framing" in body && body.framing.kind === "chunked";
	// RFC 9112 section 6.1: HTTP/1.0 knows no chunks.
	const version = request.httpVersion === "HTTP/1.0" && !isChunked ? "HTTP/1.0" : "HTTP/1.1";
	const isForeign = isHttp2(request);
	let fields = isForeign ? http1RequestFields(request) : request.headers.fields;
	let coding: Coding;
	// RFC 9112 section 6.3: a length beside chunks is not sent on.
	if (!touched && !isForeign && "framing" in body && !(isChunked && request.headers.has("content-length"))) coding = codingOf(body.framing);
	else {
		const said = claim(() => requestFraming({ method, target: path, version, fields }));
		const can = { chunked: version === "HTTP/1.1", implied: said?.kind === "none" && sizeOf(body) === 0 };
		const framing = settle(body, said, request.trailers, can);
		if (!isSame(framing, said)) fields = framed(fields, framing);
		coding = codingOf(framing);
	}
	const head = forwarder === null ? writeRequestHead(method, path, version, fields) : writeProxyRequestHead(request, version, fields, forwarder);
	return { version, fields, head, coding };
}

/**
 * A response for a client that asked with this method and version. `touched`: a hook made it or may have changed it.
 * `close`: the connection has to be closed after the message, because its end is the end of the body (`untilClose`), or its head says so.
 */
export function outgoingResponse(response: Response, request: Asked, body: BodyLength, touched: boolean): Outgoing & { close: boolean; untilClose: boolean } {
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
		// RFC 9110 section 8.6, RFC 9112 section 6.1: here these fields must not be, and a client might believe them.
		if ((statusCode < 200 || statusCode === 204) && hasSizing(response.headers)) fields = framed(fields, framing);
	} else {
		const said = claim(() => responseFraming({ version, status: statusCode, reason, fields }, request.method));
		framing = settle(body, said, response.trailers, { chunked: !old && version === "HTTP/1.1", implied: false });
		if (!isSame(framing, said)) fields = framed(fields, framing);
	}
	if ("size" in body && mustTellOfClose(request) && isPersistent(version, fields)) fields = [...fields, "Connection", "close"];
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
 * How the body of a response is framed that will not be complete: as recorded, unless it would look complete then.
 * @param size of what there is of it
 */
export function unfinishedFraming(response: Response, method: ByteString, size: number): Framing {
	const { statusCode, reason, headers } = response;
	if (isBodiless(method, statusCode)) return { kind: "none" };
	const version = response.httpVersion === "HTTP/1.0" ? "HTTP/1.0" : "HTTP/1.1";
	const said = claim(() => responseFraming({ version, status: statusCode, reason, fields: headers.fields }, method));
	if (said?.kind === "length") return said.length > size ? said : { kind: "chunked" };
	return said?.kind === "close" && version === "HTTP/1.0" ? said : { kind: "chunked" };
}

/** RFC 9112 section 9.6: a client that asked for it and is not told may take the connection for one that stays. A server tells it itself. */
function mustTellOfClose({ httpVersion, headers }: Asked): boolean {
	return httpVersion === "HTTP/1.1" && !isPersistent(httpVersion, headers.fields);
}

function codingOf(framing: Framing): Coding {
	return framing.kind === "chunked" ? "chunked" : framing.kind === "none" ? "none" : "plain";
}

/** What the fields say, null where they contradict themselves. */
function claim(read: () => Framing): Framing | null {
	try {
		return read();
	} catch {
		return null;
	}
}

/**
 * The framing to use. A body that is all there keeps the coding its fields name; one still to come keeps the one it came with. Trailers that are
 * known need chunks (RFC 9112 section 7.1.2): in HTTP/2 they come behind a length as well.
 */
function settle(body: BodyLength, said: Framing | null, trailers: Headers | null, can: { chunked: boolean; implied: boolean }): Framing {
	if (can.chunked && trailers?.size) return { kind: "chunked" };
	if ("framing" in body) return body.framing.kind === "chunked" && !can.chunked ? { kind: "close" } : body.framing;
	if (can.implied) return { kind: "none" };
	if (said?.kind === "chunked" && can.chunked) return said;
	return { kind: "length", length: body.size };
}

function sizeOf(body: BodyLength): number {
	return "size" in body ? body.size : body.framing.kind === "none" ? 0 : -1;
}

function isSame(framing: Framing, said: Framing | null): boolean {
	if (said === null || framing.kind !== said.kind) return false;
	return framing.kind !== "length" || said.kind !== "length" || framing.length === said.length;
}

function hasSizing(headers: Headers): boolean {
	return headers.has("content-length") || headers.has("transfer-encoding");
}

/** A copy of the fields that says how the body is framed, and nothing else about it. */
function framed(fields: readonly ByteString[], framing: Framing): ByteString[] {
	const copy = new Headers(fields.slice());
	if (framing.kind !== "chunked") copy.delete("transfer-encoding");
	else copy.set("transfer-encoding", "chunked");
	if (framing.kind !== "length") copy.delete("content-length");
	else copy.set("content-length", String(framing.length));
	return copy.fields;
}

/** The head of a request in absolute form (RFC 9112 section 3.2.2). The credentials are for this proxy alone: no flow has them. */
export function writeProxyRequestHead(request: Request, version: ByteString, fields: readonly ByteString[], { authorization }: UpstreamProxy): ByteString {
	const { method, host, port, path } = request;
	const target = `http://${toByteString(formatAuthority(host, port, "http"))}${path === "*" ? "" : withoutFragment(path)}`;
	if (authorization === null) return writeRequestHead(method, target, version, fields);
	const authorized = new Headers([...fields]);
	authorized.set("Proxy-Authorization", authorization);
	return writeRequestHead(method, target, version, authorized.fields);
}
