// Upstream proxies: the route of a mode, and the CONNECT request for a tunnel (RFC 9110 section 9.3.6).
import type { Socket } from "node:net";
import { FlowtapeError } from "../../errors.ts";
import { type ByteString, toByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import { type Request, Response } from "../../flow/message.ts";
import { formatAuthority } from "../../flow/url.ts";
import type { OptionTable } from "../../options.ts";
import { upstreamFault } from "../connection/attempt.ts";
import { connectRequest } from "../connection/connect-flow.ts";
import type { Destination, Route, UpstreamProxy } from "../route/destination.ts";
import type { ProxyMode } from "../route/modes.ts";
import type { Framing } from "../wire/framing.ts";
import { type ResponseHead, writeRequestHead } from "../wire/head.ts";
import { endToEnd, isPersistent } from "../wire/hop-by-hop.ts";
import { type MessageHandler, ResponseParser } from "../wire/parser.ts";

export const options = {
	http_connect_send_host_header: {
		type: "boolean",
		default: true,
		help: "Send a Host header in CONNECT requests to an upstream proxy.",
	},
} as const satisfies OptionTable;

/** The route of a mode: through the upstream proxy that it names, with `authorization`, or `otherwise`. */
export function routeOf(mode: ProxyMode, authorization: ByteString | null, otherwise: Route): Route {
	if (mode.kind !== "upstream") return otherwise;
	const via = { ...mode.server, authorization };
	return () => via;
}

/** The name of a proxy in errors. */
export function nameOfProxy({ host, port }: UpstreamProxy): string {
	return `the upstream proxy ${formatAuthority(host, port)}`;
}

/** The CONNECT request for a tunnel. */
export function tunnelRequest(
	{ authorization }: UpstreamProxy,
	{ host, port }: Destination,
	sendHost: boolean,
): Request {
	const authority = toByteString(formatAuthority(host, port));
	const fields = [
		...(sendHost ? ["Host", authority] : []),
		...(authorization === null ? [] : ["Proxy-Authorization", authorization]),
	];
	return connectRequest(host, port, authority, fields);
}

/** The upstream proxy did not open a tunnel. */
export class TunnelRefusal extends FlowtapeError {
	/** The proxy's response, in a form that can be forwarded. */
	readonly response: Response;

	/** `page`: the body of the response; null if it is incomplete or too large. */
	constructor(via: UpstreamProxy, { status, reason, fields }: ResponseHead, page: Buffer | null) {
		const advice = status === 407 ? "; user and password for it go in upstream_auth" : "";
		super("FT_UPSTREAM", `${nameOfProxy(via)} refused the tunnel: ${status} ${reason}`.trimEnd() + advice);
		const headers = new Headers(endToEnd(fields));
		headers.delete("trailer");
		headers.set("Content-Length", String(page?.length ?? 0));
		this.response = new Response({ statusCode: status, reason, headers, body: page ?? Buffer.alloc(0) });
	}
}

/** The body of a refusal is kept up to this size. Bytes. */
const PAGE_LIMIT = 64 * 1024;

/** Receives null, a TunnelRefusal or another error; `isOpen`: the socket can still be used. */
export type TunnelCallback = (error: FlowtapeError | null, isOpen: boolean) => void;

/**
 * Asks the proxy at the other end of a socket for a tunnel. When `done` is called without an error, the socket leads
 * through the tunnel; it is paused and has no "data" listener. The caller closes the socket.
 */
export function requestTunnel(
	socket: Socket,
	via: UpstreamProxy,
	{ authority, headers }: Request,
	done: TunnelCallback,
): void {
	const answer = new ConnectResponseReader(via, (error, isOpen, early) => {
		// The order matters: a flowing socket would emit the bytes at once when they are put back.
		socket.removeListener("data", onData).removeListener("end", onEnd);
		socket.pause();
		if (early.length > 0) socket.unshift(early);
		done(error, isOpen);
	});
	const onData = (chunk: Buffer) => answer.feed(chunk);
	const onEnd = () => answer.endInput();
	socket.on("data", onData).on("end", onEnd).resume();
	socket.write(writeRequestHead("CONNECT", authority, "HTTP/1.1", headers.fields), "latin1");
}

/** Reads the response to a CONNECT; `done` also receives the bytes after it. */
class ConnectResponseReader implements MessageHandler<ResponseHead> {
	readonly #via: UpstreamProxy;
	readonly #done: (error: FlowtapeError | null, isOpen: boolean, early: Buffer) => void;
	readonly #parser = new ResponseParser(this);
	#refusal: ResponseHead | null = null;
	readonly #page: Buffer[] = [];
	#size = 0;

	constructor(via: UpstreamProxy, done: (error: FlowtapeError | null, isOpen: boolean, early: Buffer) => void) {
		this.#via = via;
		this.#done = done;
		this.#parser.expect("CONNECT");
	}

	feed(chunk: Buffer): void {
		try {
			this.#parser.feed(chunk);
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			this.#finish(upstreamFault(`${nameOfProxy(this.#via)} does not speak HTTP: ${error.message}`, error), false);
		}
	}

	/**
	 * Ends reading early, because the connection ended or the body is too large. A refusal whose head has arrived counts.
	 */
	endInput(): void {
		if (this.#refusal !== null) this.#refuse(this.#refusal, null, false);
	}

	head(head: ResponseHead, framing: Framing): void {
		if (head.status < 200) return;
		if (head.status < 300) this.#finish(null, true);
		else if (framing.kind === "close" || (framing.kind === "length" && framing.length > PAGE_LIMIT))
			this.#refuse(head, null, false);
		else this.#refusal = head;
	}

	body(chunk: Buffer): void {
		this.#page.push(chunk);
		this.#size += chunk.length;
		if (this.#size > PAGE_LIMIT) this.endInput();
	}

	end(): void {
		const head = this.#refusal;
		if (head !== null)
			this.#refuse(head, Buffer.concat(this.#page), isPersistent(head.version, head.fields) && this.#parser.idle);
	}

	#refuse(head: ResponseHead, page: Buffer | null, isOpen: boolean): void {
		this.#finish(new TunnelRefusal(this.#via, head, page), isOpen);
	}

	#finish(error: FlowtapeError | null, isOpen: boolean): void {
		this.#done(error, isOpen, this.#parser.detach());
	}
}
