// Where a request or a tunnel goes, and how.
import type { ByteString } from "../flow/bytes.ts";
import type { ClientConnection } from "../flow/connection.ts";

export interface Destination {
	tls: boolean;
	host: string;
	port: number;
	/** The name to ask the server for, if not `host`. */
	sni: string | null;
	/** Whether HTTP/2 is wanted, if the server speaks it. */
	http2: boolean;
	/** For a change to WebSocket: HTTP/2 only over a connection that is there and can do it. */
	upgrade?: boolean;
	/** Who asks; nothing where the proxy does so by itself. */
	client?: ClientConnection;
}

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
