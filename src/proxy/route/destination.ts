// The destination of a request or a tunnel, and the properties of a connection to it.
import type { ByteString } from "../../flow/bytes.ts";
import type { ClientConnection } from "../../flow/connection.ts";
import type { Request } from "../../flow/message.ts";
import { isHttp2, isWebSocketUpgrade } from "../http2/fields.ts";
import { isBoundLogin } from "../wire/hop-by-hop.ts";
import type { OpenedTunnel } from "./opened-tunnel.ts";
import type { TunnelTarget } from "./target.ts";

export interface Destination {
	tls: boolean;
	host: string;
	port: number;
	/** The server name for TLS, if not `host`. */
	sni: string | null;
	/** Whether to use HTTP/2 if the server speaks it. */
	http2: boolean;
	/** The ALPN protocols to offer the server for bytes that are not HTTP. */
	protocols?: readonly string[];
	/** Whether the request asks for WebSocket, which uses HTTP/2 only over an open connection that supports it. */
	upgrade?: boolean;
	/** The client's credentials for the upstream proxy that is asked for a tunnel. */
	credentials?: ByteString | null;
	/** The tunnel that was opened for the client, if it leads to this destination. */
	opened?: OpenedTunnel | null;
	/** The client; absent if the proxy connects on its own behalf. */
	client?: ClientConnection;
}

/** The endpoint of a client's tunnel. */
export type TunnelEndpoint = Pick<Destination, "host" | "port" | "client" | "credentials">;

/** An upstream proxy. */
export interface UpstreamProxy {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** The Proxy-Authorization to send to it; null: none. */
	authorization: ByteString | null;
}

/** The proxy to use for a destination; null: connect directly. */
export type Route = (to: Destination) => UpstreamProxy | null;

/** Whether the Proxy-Authorization of a client is for the upstream proxy. */
export function isForNextProxy({ proxyMode }: ClientConnection): boolean {
	return proxyMode.toLowerCase().startsWith("upstream");
}

/**
 * The destination of a request from this client, through this tunnel. `credentials`: the client's credentials for the
 * upstream proxy.
 */
export function destinationOf(
	request: Request,
	tunnel: TunnelTarget | null,
	client: ClientConnection,
	credentials: ByteString | null = null,
): Destination {
	const { scheme, host, port } = request;
	const tls = scheme === "https";
	// The client's server name and its opened tunnel apply only if no hook redirects the request.
	const there = tunnel !== null && tunnel.host === host && tunnel.port === port ? tunnel : null;
	const upgrade = isWebSocketUpgrade(request);
	// The version that the client would speak with the server directly. Without TLS, HTTP/2 needs prior knowledge.
	const wanted = isHttp2(request) ? tls || !client.tls : tls && !upgrade && client.alpnOffers.includes("h2");
	// Connection-oriented authentication does not work over HTTP/2, whose connections are shared.
	const http2 = wanted && !isBoundLogin(request.headers.raw("authorization") ?? "");
	return {
		tls,
		host,
		port,
		sni: there?.sni ?? null,
		http2,
		upgrade,
		client,
		credentials,
		opened: there?.opened ?? null,
	};
}
