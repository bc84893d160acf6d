// The library's front door: tapes opened and made, and the verbs that commands and programs share.
import { createTape, openFileSpool, openRecordings } from "./formats/index.ts";
import type { CertificateAuthority } from "./src/ca/authority.ts";
import type { Reporter } from "./src/errors.ts";
import type { Flow } from "./src/flow/flow.ts";
import type { FlowSink } from "./src/flow/pipe.ts";
import type { HookValues } from "./src/hooks/builtin.ts";
import type { HookContext, TrustGuide } from "./src/hooks/context.ts";
import type { Hook } from "./src/hooks/hook.ts";
import type { Pipeline } from "./src/hooks/pipeline.ts";
import type { ReplayReport } from "./src/hooks/server-replay.ts";
import type { OptionValues } from "./src/options.ts";
import type { options as clientOptions, ReplayClient } from "./src/proxy/replay-client.ts";
import type { Listening, ProxyEvent, ProxySetup, proxyOptions } from "./src/proxy/server.ts";
import type { ScriptHost } from "./src/scripts/script-host.ts";

export { createTape, openTape } from "./formats/index.ts";
export { type ErrorCode, FlowtapeError, type Reporter } from "./src/errors.ts";
export type * from "./src/flow/connection.ts";
export { DnsFlow, type Flow, HttpFlow, TcpFlow, UdpFlow } from "./src/flow/flow.ts";
export { Headers } from "./src/flow/headers.ts";
export { Request, Response } from "./src/flow/message.ts";
export { type FlowSink, type FlowSource, pipe, type Step } from "./src/flow/pipe.ts";
export type { Hook, Phase, Turn } from "./src/hooks/hook.ts";
export type { Addon, Context, Loader } from "./src/scripts/addon.ts";
export { HTTPFlow, StreamFlow } from "./src/scripts/flow-view.ts";
export { HeadersView } from "./src/scripts/headers-view.ts";
export { RequestView, ResponseView } from "./src/scripts/message-view.ts";

export type LiveValues = HookValues & OptionValues<typeof proxyOptions>;
export type ReplayClientValues = HookValues & OptionValues<typeof clientOptions>;

/** What a live proxy and a client replay have in common. */
interface TrafficSetup extends Pick<HookContext, "log" | "onMiss" | "onServed" | "onUnused" | "flagPrefix"> {
	values: HookValues;
	/** Where finished flows go; they are added to what is there. null: nowhere. */
	output: string | null;
	/** Name of the output's format; null or nothing: told by the extension. */
	format?: string | null;
	/** Tapes to answer from. */
	recordings: readonly string[];
	/** Names the proxies on the way to servers (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); without, there are none. */
	env?: NodeJS.ProcessEnv;
	/** The user's own hooks. */
	scripts?: ScriptHost | undefined;
	/** Hooks of the program, which run behind those of scripts. */
	hooks?: readonly Hook[];
	/** Survives the loss of power too. */
	durable?: boolean;
	/** Whether a flow goes to the output, besides what the recording filter says; default: yes. */
	keeps?: (flow: Flow) => boolean;
	/** Told of trouble in tapes. */
	report: Reporter;
	onEvent?: (event: ProxyEvent) => void;
	/** Whether `onEvent` is to hear of every flow; default: yes. */
	wantsFlows?: boolean;
}

export interface LiveSetup extends TrafficSetup {
	values: LiveValues;
	/** The folder of the certificate authority, which is made where there is none. */
	home: string;
	/** Whether servers may be connected to; without, no name is resolved and no connection opened. */
	network: boolean;
	/** Since when certificates are valid, for clients whose clock shows another time; default: for a short time. */
	validFrom?: Date;
}

/** How it ended. */
export interface LiveReport {
	/** Flows that went to the output and are there. */
	readonly recorded: number;
	/** Flows that could not be written to it. */
	readonly lost: number;
	/** null: nothing was to be answered from recordings. */
	readonly replay: ReplayReport | null;
	/** Attempts to reach servers, by `host:port`. */
	readonly egress: ReadonlyMap<string, number>;
}

export interface LiveProxy {
	readonly host: string;
	readonly port: number;
	/** Where it listens, a mode each; `host` and `port` are those of the first. */
	readonly listeners: readonly Listening[];
	readonly authority: CertificateAuthority;
	/** When the recordings that are replayed began, in seconds since 1970; null where there are none. */
	readonly recordedAt: number | null;
	/** Ends exchanges under way, brings those still open to the output, and closes it. */
	close(): Promise<LiveReport>;
}

/**
 * Starts a proxy that records to a tape, answers from tapes, or both; resolves when it accepts connections.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO, FT_CA, FT_PORT
 */
export async function startLive(setup: LiveSetup): Promise<LiveProxy> {
	const { isProxyAuth } = await import("./src/hooks/proxy-auth.ts");
	const { createPassedHosts } = await import("./src/hooks/passed-hosts.ts");
	const { openAuthority } = await import("./src/ca/authority.ts");
	const { clientContextOptions, withOwnCertificates } = await import("./src/proxy/tls/client-options.ts");
	const { startProxy } = await import("./src/proxy/server.ts");
	const { createTrustGuide } = await import("./src/ca/trust-guide.ts");
	const { values, log, network } = setup;
	const warn = (message: string) => log?.("warning", message);
	const authority = await openAuthority(setup.home, { warn, keySize: values.key_size, context: clientContextOptions(values), validFrom: setup.validFrom });
	const traffic = await prepare(setup, createTrustGuide(authority));
	const { pipeline, sink, onEvent } = traffic;
	try {
		const proxy = await startProxy({
			...{ options: values, pipeline, sink, upstream: network ? "network" : null, onEvent },
			wantsFlows: setup.output !== null || setup.wantsFlows !== false,
			...{ authority: withOwnCertificates(authority, values), gate: pipeline.hooks.find(isProxyAuth) ?? null, hosts: await createPassedHosts(values) },
			prefersHttp1: traffic.prefersHttp1 ?? null,
			...(await waysOf(setup)),
		});
		await setup.scripts?.start(values, { watch: true });
		const close = async () => {
			await proxy.close();
			return traffic.close();
		};
		return { host: proxy.host, port: proxy.port, listeners: proxy.listeners, authority, recordedAt: traffic.recordedAt, close };
	} catch (error) {
		await traffic.close();
		throw error;
	}
}

/** The proxies between us and the servers. */
async function waysOf({ values, env = {}, log }: TrafficSetup): Promise<Pick<ProxySetup, "route" | "upstreamCredentials">> {
	const { upstreamCredentials } = await import("./src/hooks/upstream-auth.ts");
	const { environmentRoute } = await import("./src/proxy/route/environment-proxy.ts");
	return { route: environmentRoute(env, (message) => log?.("warning", message)), upstreamCredentials: upstreamCredentials(values) };
}

export interface ReplayClientSetup extends TrafficSetup {
	values: ReplayClientValues;
	/** How long an answer may take, in seconds; 0: as long as it takes. */
	timeout: number;
}

export interface RunningReplayClient extends Pick<ReplayClient, "send" | "stop"> {
	/** Waits for what is under way, and closes the output. */
	close(): Promise<LiveReport>;
}

/**
 * Prepares to send recorded requests again.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, FT_NOT_FOUND, FT_IO
 */
export async function startReplayClient(setup: ReplayClientSetup): Promise<RunningReplayClient> {
	const { ReplayClient } = await import("./src/proxy/replay-client.ts");
	const { values, timeout } = setup;
	const traffic = await prepare(setup);
	const { pipeline, sink, onEvent } = traffic;
	const client = new ReplayClient({ options: values, pipeline, sink, timeout, ...(await waysOf(setup)), onEvent });
	await setup.scripts?.start(values);
	return {
		send: (recorded, change) => client.send(recorded, change),
		stop: () => client.stop(),
		async close() {
			await client.close();
			return traffic.close();
		},
	};
}

const nowhere: FlowSink = { append() {}, open: () => ({ add() {}, close() {}, discard() {} }), close: async () => {} };

interface Traffic {
	pipeline: Pipeline;
	sink: FlowSink;
	onEvent: (event: ProxyEvent) => void;
	recordedAt: number | null;
	prefersHttp1: ProxySetup["prefersHttp1"];
	close(): Promise<LiveReport>;
}

/** Hooks with their recordings and scripts, and the way to the output. */
async function prepare({ values, output, format, durable, report, ...setup }: TrafficSetup, guide?: TrustGuide): Promise<Traffic> {
	const { loadCodings } = await import("./src/flow/body.ts");
	const { CountingSink } = await import("./src/flow/counting-sink.ts");
	const { createHooks, createRecordingFilter } = await import("./src/hooks/builtin.ts");
	const { Pipeline } = await import("./src/hooks/pipeline.ts");
	const { isServerReplay } = await import("./src/hooks/server-replay.ts");
	loadCodings();
	const recordings = await Promise.all(setup.recordings.map((path) => openRecordings(path, { report })));
	const scripts = [...(setup.scripts?.hooks ?? []), ...(setup.hooks ?? [])];
	const hooks = await createHooks(values, { ...setup, recordings, scripts, ...(guide && { guide }) });
	const filter = await createRecordingFilter(values);
	const isKept = (flow: Flow) => filter?.matches(flow) !== false && setup.keeps?.(flow) !== false;
	const pipeline = new Pipeline(hooks);
	const tape = output === null ? null : await createTape(output, { append: true, format: format ?? undefined, durable, report });
	// A filter that looks into messages has to see all of them.
	const isOpenable = filter === null || !(filter.needs.has("requestBody") || filter.needs.has("responseBody"));
	const sink = new CountingSink(tape ?? nowhere, { isKept: (flow) => tape !== null && isKept(flow), isOpenable, openSpool: openFileSpool });
	const egress = new Map<string, number>();
	return {
		pipeline,
		sink,
		recordedAt: hooks.find(isServerReplay)?.recordedAt ?? null,
		prefersHttp1: hooks.find(isServerReplay)?.prefersHttp1 ?? null,
		onEvent(event) {
			if (event.kind === "egress") egress.set(event.destination, (egress.get(event.destination) ?? 0) + 1);
			setup.onEvent?.(event);
		},
		async close() {
			try {
				await sink.close();
			} catch (error) {
				// what was committed before is there all the same, and counted
				if (tape?.stored === undefined) throw error;
				setup.onEvent?.({ kind: "sink_error", error });
			}
			const replay = (await hooks.find(isServerReplay)?.report()) ?? null;
			await pipeline.close();
			return { recorded: sink.stored, lost: sink.lost, replay, egress };
		},
	};
}
