// Another proxy on the way to the servers: who it is, how it is asked for a tunnel (RFC 9110 section 9.3.6), and what its answer means.
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
	http_connect_send_host_header: { type: "boolean", default: true, help: "Send a Host header when an upstream proxy is asked for a tunnel." },
} as const satisfies OptionTable;

/** The way of a mode: through the proxy that it names, or as `otherwise` says. `authorization` is for that proxy. */
export function routeOf(mode: ProxyMode, authorization: ByteString | null, otherwise: Route): Route {
	if (mode.kind !== "upstream") return otherwise;
	const via = { ...mode.server, authorization };
	return () => via;
}

/** For messages. */
export function nameOfProxy({ host, port }: UpstreamProxy): string {
	return `the upstream proxy ${formatAuthority(host, port)}`;
}

/** What a proxy is asked for a tunnel with. */
export function tunnelRequest({ authorization }: UpstreamProxy, { host, port }: Destination, sendHost: boolean): Request {
	const authority = toByteString(formatAuthority(host, port));
	const fields = [...(sendHost ? ["Host", authority] : []), ...(authorization === null ? [] : ["Proxy-Authorization", authorization])];
	return connectRequest(host, port, authority, fields);
}

/** The proxy did not open a tunnel. */
export class TunnelRefusal extends FlowtapeError {
	/** What it said, in a form that can be passed on. */
	readonly response: Response;

	/** `page`: null where it did not come whole, or is too large to be kept. */
	constructor(via: UpstreamProxy, { status, reason, fields }: ResponseHead, page: Buffer | null) {
		const advice = status === 407 ? "; user and password for it go in upstream_auth" : "";
		super("FT_UPSTREAM", `${nameOfProxy(via)} refused the tunnel: ${status} ${reason}`.trimEnd() + advice);
		const headers = new Headers(endToEnd(fields));
		headers.delete("trailer");
		headers.set("Content-Length", String(page?.length ?? 0));
		this.response = new Response({ statusCode: status, reason, headers, body: page ?? Buffer.alloc(0) });
	}
}

/** The page of a refusal is kept up to this size. Bytes. */
const PAGE_LIMIT = 64 * 1024;

/** Gets a TunnelRefusal or another error; `isOpen`: the socket can be used all the same. */
export type TunnelAnswer = (error: FlowtapeError | null, isOpen: boolean) => void;

/**
 * Asks the proxy at the other end of a socket for a tunnel. Once `done` is called without an error the socket leads there; it has no reader then, and
 * is paused. Who asks sees to the end of the socket.
 */
export function requestTunnel(socket: Socket, via: UpstreamProxy, { authority, headers }: Request, done: TunnelAnswer): void {
	const answer = new AnswerReader(via, (error, isOpen, early) => {
		// In this order: a socket that is read gives at once what is put back.
		socket.removeListener("data", onData).removeListener("end", onEnd);
		socket.pause();
		if (early.length > 0) socket.unshift(early);
		done(error, isOpen);
	});
	const onData = (chunk: Buffer) => answer.feed(chunk);
	const onEnd = () => answer.cut();
	socket.on("data", onData).on("end", onEnd).resume();
	socket.write(writeRequestHead("CONNECT", authority, "HTTP/1.1", headers.fields), "latin1");
}

/** Reads what the proxy says to a CONNECT: `done` gets as well what has come behind. */
class AnswerReader implements MessageHandler<ResponseHead> {
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

	/** The proxy sends nothing more: what it began to say stands. */
	cut(): void {
		if (this.#refusal !== null) this.#refuse(this.#refusal, null, false);
	}

	head(head: ResponseHead, framing: Framing): void {
		if (head.status < 200) return;
		if (head.status < 300) this.#finish(null, true);
		else if (framing.kind === "close" || (framing.kind === "length" && framing.length > PAGE_LIMIT)) this.#refuse(head, null, false);
		else this.#refusal = head;
	}

	body(chunk: Buffer): void {
		this.#page.push(chunk);
		this.#size += chunk.length;
		if (this.#size > PAGE_LIMIT) this.cut();
	}

	end(): void {
		const head = this.#refusal;
		if (head !== null) this.#refuse(head, Buffer.concat(this.#page), isPersistent(head.version, head.fields) && this.#parser.idle);
	}

	#refuse(head: ResponseHead, page: Buffer | null, isOpen: boolean): void {
		this.#finish(new TunnelRefusal(this.#via, head, page), isOpen);
	}

	#finish(error: FlowtapeError | null, isOpen: boolean): void {
		this.#done(error, isOpen, this.#parser.detach());
	}
}
