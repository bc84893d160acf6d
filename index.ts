// The library's front door: tapes opened and made, and the verbs that commands and programs share.
import { openFileSpool } from "./formats/file-spool.ts";
import { createTape, openRecordings } from "./formats/index.ts";
import type { Reporter } from "./src/errors.ts";
import type { FlowSink } from "./src/flow/pipe.ts";
import type { HookValues } from "./src/hooks/builtin.ts";
import type { Miss } from "./src/hooks/context.ts";
import type { Hook } from "./src/hooks/hook.ts";
import type { ReplayReport } from "./src/hooks/server-replay.ts";
import type { OptionValues } from "./src/options.ts";
import type { CertificateAuthority } from "./src/proxy/ca.ts";
import type { Listening, ProxyEvent, proxyOptions, RunningProxy } from "./src/proxy/server.ts";

export { createTape, openTape } from "./formats/index.ts";
export { type ErrorCode, FlowtapeError, type Reporter } from "./src/errors.ts";
export type * from "./src/flow/connection.ts";
export { DnsFlow, type Flow, HttpFlow, TcpFlow, UdpFlow } from "./src/flow/flow.ts";
export { Headers } from "./src/flow/headers.ts";
export { Request, Response } from "./src/flow/message.ts";
export { type FlowSink, type FlowSource, pipe, type Step } from "./src/flow/pipe.ts";
export type { Hook, Phase, Turn } from "./src/hooks/hook.ts";

export type LiveValues = HookValues & OptionValues<typeof proxyOptions>;

export interface LiveSetup {
	values: LiveValues;
	/** The folder of the certificate authority, which is made where there is none. */
	home: string;
	/** Where finished flows go; they are added to what is there. null: nowhere. */
	output: string | null;
	/** Name of the output's format; null or nothing: told by the extension. */
	format?: string | null;
	/** Tapes to answer from. */
	recordings: readonly string[];
	/** Whether servers may be connected to; without, no name is resolved and no connection opened. */
	network: boolean;
	/** Names the proxies on the way to servers (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); without, there are none. */
	env?: NodeJS.ProcessEnv;
	/** Hooks of the user's own. */
	scripts?: readonly Hook[];
	/** Survives the loss of power too. */
	durable?: boolean;
	/** Told of trouble in tapes. */
	report: Reporter;
	log?: (level: "info" | "warning", message: string) => void;
	onEvent?: (event: ProxyEvent) => void;
	onMiss?: (miss: Miss) => void;
}

/** How a live proxy ended. */
export interface LiveReport {
	/** Flows that went to the output. */
	readonly recorded: number;
	/** null: nothing was to be answered from recordings. */
	readonly replay: ReplayReport | null;
}

export interface LiveProxy {
	readonly host: string;
	readonly port: number;
	/** Where it listens, a mode each; `host` and `port` are those of the first. */
	readonly listeners: readonly Listening[];
	readonly authority: CertificateAuthority;
	/** Ends exchanges under way, brings those still open to the output, and closes it. */
	close(): Promise<LiveReport>;
}

/**
 * Starts a proxy that records to a tape, answers from tapes, or both; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT
 */
export async function startLive(setup: LiveSetup): Promise<LiveProxy> {
	const { values, report, onEvent } = setup;
	const { createHooks, createRecordingFilter } = await import("./src/hooks/builtin.ts");
	const { Pipeline } = await import("./src/hooks/pipeline.ts");
	const { isProxyAuth } = await import("./src/hooks/proxy-auth.ts");
	const { isServerReplay } = await import("./src/hooks/server-replay.ts");
	const { createPassedHosts } = await import("./src/hooks/passed-hosts.ts");
	const { clientContextOptions, withOwnCertificates } = await import("./src/proxy/client-tls.ts");
	const { openAuthority } = await import("./src/proxy/ca.ts");
	const { upstreamCredentials } = await import("./src/hooks/upstream-auth.ts");
	const { environmentRoute } = await import("./src/proxy/environment-proxy.ts");
	const { createTrustGuide } = await import("./src/proxy/trust-guide.ts");
	const { startProxy } = await import("./src/proxy/server.ts");
	const recordings = await Promise.all(setup.recordings.map((path) => openRecordings(path, { report })));
	const { scripts = [], log, onMiss } = setup;
	const authority = await openAuthority(setup.home, {
		warn: (message) => log?.("warning", message),
		keySize: values.key_size,
		context: clientContextOptions(values),
	});
	const hooks = await createHooks(values, { recordings, scripts, guide: createTrustGuide(authority), ...(log && { log }), ...(onMiss && { onMiss }) });
	const filter = await createRecordingFilter(values);
	const issuer = withOwnCertificates(authority, values);
	const hosts = await createPassedHosts(values);
	const pipeline = new Pipeline(hooks);
	const { output, durable } = setup;
	const tape = output === null ? null : await createTape(output, { append: true, format: setup.format ?? undefined, durable, report });
	let recorded = 0;
	const sink: FlowSink = {
		append(flow) {
			if (tape === null || filter?.matches(flow) === false) return;
			recorded++;
			return tape.append(flow);
		},
		spool: () => tape?.spool?.() ?? openFileSpool(),
		close: async () => tape?.close(),
	};
	let proxy: RunningProxy;
	try {
		const upstream = setup.network ? "network" : null;
		const route = environmentRoute(setup.env ?? {}, (message) => log?.("warning", message));
		const credentials = upstreamCredentials(values);
		const gate = hooks.find(isProxyAuth) ?? null;
		proxy = await startProxy({
			...{ options: values, authority: issuer, pipeline, sink, upstream, route, gate, hosts },
			upstreamCredentials: credentials,
			...(onEvent && { onEvent }),
		});
	} catch (error) {
		await tape?.close();
		throw error;
	}
	return {
		host: proxy.host,
		port: proxy.port,
		listeners: proxy.listeners,
		authority,
		async close() {
			await proxy.close();
			await sink.close();
			const replay = (await hooks.find(isServerReplay)?.report()) ?? null;
			await pipeline.close();
			return { recorded, replay };
		},
	};
}
