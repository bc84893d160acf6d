// Starts the live proxy, which records to a tape, answers from tapes, or both.
import type { Socket } from "node:net";
import type { CertificateAuthority } from "../src/ca/authority.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import type { ReplayReport } from "../src/hooks/server-replay.ts";
import type { OptionValues } from "../src/options.ts";
import type { OwnServers } from "../src/proxy/route/own-servers.ts";
import type { Listening, proxyOptions as table } from "../src/proxy/server.ts";
import type { RedactionOptionValues } from "./live-redaction.ts";
import { countEgress, type LiveReport, prepareTraffic, type TrafficSetup, upstreamSettings } from "./traffic.ts";

export type { LiveReport };
export type LiveValues = HookValues & OptionValues<typeof table> & Partial<RedactionOptionValues>;

export interface LiveSetup extends TrafficSetup {
	values: LiveValues;
	/** The folder of the certificate authority, which is created if missing; or an authority that is open already. */
	home: string | CertificateAuthority;
	/** Whether a new authority is for this run only. */
	isEphemeral?: boolean;
	/** Whether the proxy may connect to servers. If not, it resolves no names and opens no connections. */
	network: boolean;
	/** Servers that the clients run themselves; requests to them are not intercepted. Default: none. */
	own?: OwnServers | null;
	/**
	 * The start of the certificates' validity. Set it for clients whose clock is set back. Default: shortly before now.
	 */
	validFrom?: Date;
}

/** The counts of a session. */
export type SessionCounts = ReplayReport & Pick<LiveReport, "egress">;

/** The listener of a session. */
export interface LiveSession {
	readonly listener: Listening;
	/** Ends exchanges in progress. Resolves to the counts of the session. */
	close(): Promise<SessionCounts>;
}

export interface LiveProxy {
	readonly host: string;
	readonly port: number;
	/** The listeners, one for each mode; `host` and `port` are those of the first. */
	readonly listeners: readonly Listening[];
	readonly authority: CertificateAuthority;
	/** When the first replayed request was recorded, in seconds since 1970; null if there are no recordings. */
	readonly recordedAt: number | null;
	/** The number of recordings in all tapes that have not answered yet. */
	countUnused(): number;
	/** Begins the order of equal requests anew in a session. null: in all sessions. */
	rewind(session: string | null): void;
	/** Serves a socket as an open tunnel to a host, as after a CONNECT; `user`: the user that it named, or null. */
	acceptTunnel(
		socket: Socket,
		to: { readonly host: string; readonly port: number; readonly user: string | null },
	): void;
	/** From now on, calls `onEvent` and `onServed` for every flow, even if `wantsFlows` was false. */
	watchFlows(): void;
	/**
	 * Opens a listener whose clients belong to a session. Close it before the proxy.
	 * @throws FlowtapeError FT_PORT
	 */
	openSession(name: string): Promise<LiveSession>;
	/** Ends exchanges in progress, writes them to the output, and closes it. */
	close(): Promise<LiveReport>;
}

/**
 * Starts the proxy; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT
 */
export async function startLive(setup: LiveSetup): Promise<LiveProxy> {
	const { isProxyAuth } = await import("../src/hooks/proxy-auth.ts");
	const { createPassthroughHosts } = await import("../src/hooks/passthrough-hosts.ts");
	const { openAuthority } = await import("../src/ca/authority.ts");
	const { clientContextOptions, withOwnCertificates } = await import("../src/proxy/tls/client-options.ts");
	const { proxyOptions, startProxy } = await import("../src/proxy/server.ts");
	const { createTrustGuide } = await import("../src/ca/trust-guide.ts");
	const { values, log, network } = setup;
	const warn = (message: string) => log?.("warning", message);
	const authority =
		typeof setup.home === "string"
			? await openAuthority(setup.home, {
					warn,
					keySize: values.key_size,
					context: clientContextOptions(values),
					validFrom: setup.validFrom,
					// a key size that the user chose is for RSA
					keyType: setup.isEphemeral && values.key_size === proxyOptions.key_size.default ? "ec" : "rsa",
				})
			: setup.home;
	const traffic = await prepareTraffic(setup, createTrustGuide(authority));
	const { pipeline, sink, onEvent } = traffic;
	try {
		const proxy = await startProxy({
			options: values,
			pipeline,
			sink,
			upstream: network ? "network" : null,
			onEvent,
			own: setup.own ?? null,
			wantsFlows: setup.output !== null || setup.wantsFlows !== false,
			reportsCached: setup.reportsCached ?? false,
			authority: withOwnCertificates(authority, values),
			authenticator: pipeline.hooks.find(isProxyAuth) ?? null,
			hosts: await createPassthroughHosts(values),
			prefersHttp1: traffic.prefersHttp1 ?? null,
			...(await upstreamSettings(setup)),
		});
		await setup.scripts?.start(values, { watch: true });
		const close = async () => {
			await proxy.close();
			return traffic.close();
		};
		const openSession = async (name: string): Promise<LiveSession> => {
			const egress = new Map<string, number>();
			const listener = await proxy.openSession(name, (event) => {
				if (event.kind === "egress") countEgress(egress, event.destination);
				onEvent(event);
			});
			const end = traffic.openSession(name);
			return {
				listener,
				async close() {
					await listener.close();
					return { ...end(), egress };
				},
			};
		};
		const { host, port, listeners } = proxy;
		return {
			host,
			port,
			listeners,
			authority,
			recordedAt: traffic.recordedAt,
			countUnused: () => traffic.countUnused(),
			rewind: (session) => traffic.rewind(session),
			acceptTunnel: (socket, { host, port, user }) => proxy.acceptTunnel(socket, host, port, user),
			watchFlows: () => proxy.watchFlows(),
			openSession,
			close,
		};
	} catch (error) {
		await traffic.close();
		throw error;
	}
}
