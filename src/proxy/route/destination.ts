// Where a request or a tunnel goes, and how.
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
	/** The name to ask the server for, if not `host`. */
	sni: string | null;
	/** Whether HTTP/2 is wanted, if the server speaks it. */
	http2: boolean;
	/** What is offered the server in TLS where it is no HTTP, which has a choice of its own. */
	protocols?: readonly string[];
	/** For a change to WebSocket: HTTP/2 only over a connection that is there and can do it. */
	upgrade?: boolean;
	/** What the client sent for the proxy that is asked for a tunnel there. */
	credentials?: ByteString | null;
	/** The tunnel that was opened for the client, for what goes where that leads. */
	opened?: OpenedTunnel | null;
	/** Who asks; nothing where the proxy does so by itself. */
	client?: ClientConnection;
}

/** Where a client's tunnel is to lead. */
export type TunnelPlace = Pick<Destination, "host" | "port" | "client" | "credentials">;

/** Another proxy on the way. */
export interface UpstreamProxy {
	scheme: "http" | "https";
	host: string;
	port: number;
	/** What it gets as Proxy-Authorization; null: nothing. */
	authorization: ByteString | null;
}

/** Which proxy leads to a destination; null: none, it is connected to directly. */
export type Route = (to: Destination) => UpstreamProxy | null;

/** Whether what a client sends for a proxy is for the next one. */
export function isForNextProxy({ proxyMode }: ClientConnection): boolean {
	return proxyMode.toLowerCase().startsWith("upstream");
}

/** Where a request goes that came from this client, through this tunnel. `credentials`: what the client sent for the next proxy. */
export function destinationOf(request: Request, tunnel: TunnelTarget | null, client: ClientConnection, credentials: ByteString | null = null): Destination {
	const { scheme, host, port } = request;
	const tls = scheme === "https";
	// The name that the client asked for, and what was opened for it, count only as long as no hook sends the request elsewhere.
	const there = tunnel !== null && tunnel.host === host && tunnel.port === port ? tunnel : null;
	const upgrade = isWebSocketUpgrade(request);
	// What the client would speak with the server, were it not for us. Without TLS, HTTP/2 is spoken by those who do so from the start.
	const wanted = isHttp2(request) ? tls || !client.tls : tls && !upgrade && client.alpnOffers.includes("h2");
	// A login that holds for a connection is none of HTTP/2, which shares them.
	const http2 = wanted && !isBoundLogin(request.headers.raw("authorization") ?? "");
	return { tls, host, port, sni: there?.sni ?? null, http2, upgrade, client, credentials, opened: there?.opened ?? null };
}
