// The live proxy: records to a tape, answers from tapes, or both.
import type { CertificateAuthority } from "../src/ca/authority.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import type { OptionValues } from "../src/options.ts";
import type { Listening, proxyOptions } from "../src/proxy/server.ts";
import { type LiveReport, prepareTraffic, type TrafficSetup, waysOf } from "./traffic.ts";

export type { LiveReport };
export type LiveValues = HookValues & OptionValues<typeof proxyOptions>;

export interface LiveSetup extends TrafficSetup {
	values: LiveValues;
	/** The folder of the certificate authority, which is made where there is none. */
	home: string;
	/** Whether servers may be connected to; without, no name is resolved and no connection opened. */
	network: boolean;
	/** Since when certificates are valid, for clients whose clock shows another time; default: for a short time. */
	validFrom?: Date;
}

export interface LiveProxy {
	readonly host: string;
	readonly port: number;
	/** Where it listens, a mode each; `host` and `port` are those of the first. */
	readonly listeners: readonly Listening[];
	readonly authority: CertificateAuthority;
	/** When the recordings that are replayed began, in seconds since 1970; null where there are none. */
	readonly recordedAt: number | null;
	/** From now on `onEvent` and `onServed` are told of every flow, where they were not to be (`wantsFlows`). */
	watchFlows(): void;
	/** Ends exchanges under way, brings those still open to the output, and closes it. */
	close(): Promise<LiveReport>;
}

/**
 * Starts a proxy that records to a tape, answers from tapes, or both; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT
 */
export async function startLive(setup: LiveSetup): Promise<LiveProxy> {
	const { isProxyAuth } = await import("../src/hooks/proxy-auth.ts");
	const { createPassthroughHosts } = await import("../src/hooks/passthrough-hosts.ts");
	const { openAuthority } = await import("../src/ca/authority.ts");
	const { clientContextOptions, withOwnCertificates } = await import("../src/proxy/tls/client-options.ts");
	const { startProxy } = await import("../src/proxy/server.ts");
	const { createTrustGuide } = await import("../src/ca/trust-guide.ts");
	const { values, log, network } = setup;
	const warn = (message: string) => log?.("warning", message);
	const authority = await openAuthority(setup.home, { warn, keySize: values.key_size, context: clientContextOptions(values), validFrom: setup.validFrom });
	const traffic = await prepareTraffic(setup, createTrustGuide(authority));
	const { pipeline, sink, onEvent } = traffic;
	try {
		const proxy = await startProxy({
			...{ options: values, pipeline, sink, upstream: network ? "network" : null, onEvent },
			wantsFlows: setup.output !== null || setup.wantsFlows !== false,
			...{
				authority: withOwnCertificates(authority, values),
				authenticator: pipeline.hooks.find(isProxyAuth) ?? null,
				hosts: await createPassthroughHosts(values),
			},
			prefersHttp1: traffic.prefersHttp1 ?? null,
			...(await waysOf(setup)),
		});
		await setup.scripts?.start(values, { watch: true });
		const close = async () => {
			await proxy.close();
			return traffic.close();
		};
		const { host, port, listeners } = proxy;
		return { host, port, listeners, authority, recordedAt: traffic.recordedAt, watchFlows: () => proxy.watchFlows(), close };
	} catch (error) {
		await traffic.close();
		throw error;
	}
}
