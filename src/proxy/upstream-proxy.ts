// Another proxy on the way to the servers: who it is, how it is asked for a tunnel (RFC 9110 section 9.3.6), and what its answer means.
import type { Socket } from "node:net";
import { FlowtapeError } from "../errors.ts";
import { type ByteString, toByteString } from "../flow/bytes.ts";
import { Headers } from "../flow/headers.ts";
import type { Request } from "../flow/message.ts";
import { formatAuthority, withoutFragment } from "../flow/url.ts";
import type { OptionTable } from "../options.ts";
import { connectRequest } from "./connect-flow.ts";
import type { Destination, Route, UpstreamProxy } from "./destination.ts";
import type { ProxyMode } from "./modes.ts";
import { upstreamFault } from "./upstream-channel.ts";
import { type ResponseHead, writeRequestHead } from "./wire/head.ts";
import { ResponseParser } from "./wire/parser.ts";

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

/** The head of a request in absolute form (RFC 9112 section 3.2.2). The credentials are for this proxy alone: no flow has them. */
export function writeProxyRequestHead(request: Request, version: ByteString, fields: readonly ByteString[], { authorization }: UpstreamProxy): ByteString {
	const { method, host, port, path } = request;
	const target = `http://${toByteString(formatAuthority(host, port, "http"))}${path === "*" ? "" : withoutFragment(path)}`;
	if (authorization === null) return writeRequestHead(method, target, version, fields);
	const authorized = new Headers([...fields]);
	authorized.set("Proxy-Authorization", authorization);
	return writeRequestHead(method, target, version, authorized.fields);
}

/** What a proxy is asked for a tunnel with. */
export function tunnelRequest({ authorization }: UpstreamProxy, { host, port }: Destination, sendHost: boolean): Request {
	const authority = toByteString(formatAuthority(host, port));
	const fields = [...(sendHost ? ["Host", authority] : []), ...(authorization === null ? [] : ["Proxy-Authorization", authorization])];
	return connectRequest(host, port, authority, fields);
}

/**
 * Asks the proxy at the other end of a socket for a tunnel. Once `done` is called without an error the socket leads there; it has no reader then, and
 * is paused. Who asks sees to the end of the socket.
 */
export function requestTunnel(socket: Socket, via: UpstreamProxy, { authority, headers }: Request, done: (error: FlowtapeError | null) => void): void {
	const finish = (error: FlowtapeError | null, early?: Buffer) => {
		// In this order: a socket that is read gives at once what is put back.
		socket.removeListener("data", onData);
		socket.pause();
		if (early?.length) socket.unshift(early);
		done(error);
	};
	const parser = new ResponseParser({
		head: (head) => {
			if (head.status < 200) return;
			finish(head.status < 300 ? null : refusal(via, head), parser.detach());
		},
		body() {},
		end() {},
	});
	const onData = (chunk: Buffer) => {
		try {
			parser.feed(chunk);
		} catch (error) {
			if (!(error instanceof FlowtapeError)) throw error;
			finish(upstreamFault(`${nameOfProxy(via)} does not speak HTTP: ${error.message}`, error));
		}
	};
	parser.expect("CONNECT");
	socket.on("data", onData);
	socket.write(writeRequestHead("CONNECT", authority, "HTTP/1.1", headers.fields), "latin1");
}

function refusal(via: UpstreamProxy, { status, reason }: ResponseHead): FlowtapeError {
	const advice = status === 407 ? "; user and password for it go in upstream_auth" : "";
	return upstreamFault(`${nameOfProxy(via)} refused the tunnel: ${status} ${reason}`.trimEnd() + advice);
}
