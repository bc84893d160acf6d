// The options of the proxy, and the parts with which it starts.
import type { LeafIssuer } from "../../ca/authority.ts";
import type { FlowSink } from "../../flow/pipe.ts";
import type { HostNames, PassthroughHosts, ProxyAuthenticator } from "../../hooks/authenticator.ts";
import type { Pipeline } from "../../hooks/pipeline.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import { options as bodyOptions } from "../body/policy.ts";
import type { ProxyEvent } from "../context/context.ts";
import type { Route } from "../route/destination.ts";
import { options as modeOptions } from "../route/modes.ts";
import type { OwnServers } from "../route/own-servers.ts";
import { options as clientTlsOptions } from "../tls/client-options.ts";
import { options as upstreamOptions } from "../upstream/pool.ts";
import { options as websocketOptions } from "../websocket/conversation.ts";
import { options as acceptorOptions } from "./acceptor.ts";

/** Every option of the proxy. */
export const proxyOptions = {
	...modeOptions,
	...bodyOptions,
	...acceptorOptions,
	...clientTlsOptions,
	...upstreamOptions,
	...websocketOptions,
	session: {
		type: "string",
		default: null,
		metavar: "NAME",
		help: "The session of clients that name none by their proxy user; with proxyauth, of all clients.",
	},
} as const satisfies OptionTable;

export interface ProxySetup {
	options: OptionValues<typeof proxyOptions>;
	/** Provides the certificates to show to clients. */
	authority: LeafIssuer;
	pipeline: Pipeline;
	/** Receives every flow once, when it is complete or has failed. The proxy does not close it. */
	sink: FlowSink;
	/**
	 * Whether the proxy connects to servers. null: it resolves no names and opens no connections, and a request that no
	 * hook answers gets a 502.
	 */
	upstream: "network" | null;
	/** Chooses the upstream proxy for each destination, except in modes that name one; null: connect directly. */
	route?: Route | null;
	/** Proxy-Authorization for the upstream proxies that modes name; null: none. */
	upstreamCredentials?: string | null;
	/** Authenticates clients that ask for a tunnel; the pipeline authenticates requests. null: no authentication. */
	authenticator?: ProxyAuthenticator | null;
	/** Hosts whose traffic is not read as HTTP; null: none. */
	hosts?: PassthroughHosts | null;
	/** Whether to offer a host's clients HTTP/1.1 before HTTP/2 while its server's choice is unknown; default: never. */
	prefersHttp1?: ((names: HostNames) => boolean) | null;
	/**
	 * Servers that clients run themselves: in regular mode, requests to them pass untouched. null: such servers are
	 * treated like others.
	 */
	own?: OwnServers | null;
	/** Whether the sink or `onEvent` uses flows; default: true. */
	wantsFlows?: boolean;
	/** Whether `onEvent` gets an event for each response from the cache, which has no flow; default: false. */
	reportsCached?: boolean;
	/** Called with events for logs. */
	onEvent?: (event: ProxyEvent) => void;
}
