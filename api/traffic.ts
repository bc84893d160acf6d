// What a live proxy and a client replay have in common: hooks with their recordings and scripts, and the way to the output.
import { createTape, type Format, openFileSpool, openRecordings } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import type { Flow } from "../src/flow/flow.ts";
import { FlowSink, type OpenFlow } from "../src/flow/pipe.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import type { HookContext, TrustGuide } from "../src/hooks/context.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { Pipeline } from "../src/hooks/pipeline.ts";
import type { ReplayReport } from "../src/hooks/server-replay.ts";
import type { ProxyEvent, ProxySetup } from "../src/proxy/server.ts";
import type { ScriptHost } from "../src/scripts/script-host.ts";

export interface TrafficSetup extends Pick<HookContext, "log" | "onMiss" | "onServed" | "onUnused" | "flagPrefix"> {
	values: HookValues;
	/** Where finished flows go; they are added to what is there. null: nowhere. */
	output: string | null;
	/** Name of the output's format; null or nothing: told by the extension. */
	format?: string | null | undefined;
	/** Formats of the program's own. */
	formats?: readonly Format[] | undefined;
	/** Tapes to answer from. */
	recordings: readonly string[];
	/** Names the proxies on the way to servers (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); without, there are none. */
	env?: NodeJS.ProcessEnv;
	/** The user's own hooks. */
	scripts?: ScriptHost | undefined;
	/** Hooks of the program, which run behind those of scripts. */
	hooks?: readonly Hook[];
	/** Survives the loss of power too. */
	durable?: boolean | undefined;
	/** Whether a flow goes to the output, besides what the recording filter says; default: yes. */
	keeps?: (flow: Flow) => boolean;
	/** Told of trouble in tapes. */
	report: Reporter;
	onEvent?: (event: ProxyEvent) => void;
	/** Whether `onEvent` and `onServed` are to hear of every flow; default: yes. Else only of those that are not answered by their bytes alone. */
	wantsFlows?: boolean;
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

/** The proxies between us and the servers. */
export async function waysOf({ values, env = {}, log }: TrafficSetup): Promise<Pick<ProxySetup, "route" | "upstreamCredentials">> {
	const { upstreamCredentials } = await import("../src/hooks/upstream-auth.ts");
	const { environmentRoute } = await import("../src/proxy/route/environment-proxy.ts");
	return { route: environmentRoute(env, (message) => log?.("warning", message)), upstreamCredentials: upstreamCredentials(values) };
}

/** Takes everything and keeps nothing. */
class Nowhere extends FlowSink {
	append(): void {}

	override open(): OpenFlow {
		return { add() {}, close() {}, discard() {} };
	}

	async close(): Promise<void> {}
}

export interface Traffic {
	pipeline: Pipeline;
	sink: FlowSink;
	onEvent: (event: ProxyEvent) => void;
	recordedAt: number | null;
	prefersHttp1: ProxySetup["prefersHttp1"];
	/** Brings what is left to the output. Further calls wait for the same end. */
	close(): Promise<LiveReport>;
}

/** Hooks with their recordings and scripts, and the way to the output. */
export async function prepareTraffic({ values, output, format, formats, durable, report, ...setup }: TrafficSetup, guide?: TrustGuide): Promise<Traffic> {
	const { loadCodings } = await import("../src/flow/body.ts");
	const { CountingSink } = await import("../src/flow/counting-sink.ts");
	const { createHooks, createRecordingFilter } = await import("../src/hooks/builtin.ts");
	const { Pipeline } = await import("../src/hooks/pipeline.ts");
	const { isServerReplay } = await import("../src/hooks/server-replay.ts");
	loadCodings();
	const recordings = await Promise.all(setup.recordings.map((path) => openRecordings(path, { report, formats })));
	const scripts = [...(setup.scripts?.hooks ?? []), ...(setup.hooks ?? [])];
	const hooks = await createHooks(values, { ...setup, recordings, scripts, ...(guide && { guide }) });
	const filter = await createRecordingFilter(values);
	const isKept = (flow: Flow) => filter?.matches(flow) !== false && setup.keeps?.(flow) !== false;
	const pipeline = new Pipeline(hooks);
	const tape = output === null ? null : await createTape(output, { append: true, format: format ?? undefined, formats, durable, report });
	// A filter that looks into messages has to see all of them.
	const isOpenable = filter === null || !(filter.needs.has("requestBody") || filter.needs.has("responseBody"));
	const sink = new CountingSink(tape ?? new Nowhere(), { isKept: (flow) => tape !== null && isKept(flow), isOpenable, openSpool: openFileSpool });
	const egress = new Map<string, number>();
	const close = async (): Promise<LiveReport> => {
		try {
			await sink.close();
		} catch (error) {
			// what was committed before is there all the same, and counted
			if (tape === null || tape.stored === null) throw error;
			setup.onEvent?.({ kind: "sink_error", error });
		}
		const replay = (await hooks.find(isServerReplay)?.report()) ?? null;
		await pipeline.close();
		for (const recording of recordings) await recording.close?.();
		return { recorded: sink.stored, lost: sink.lost, replay, egress };
	};
	let closing: Promise<LiveReport> | null = null;
	return {
		pipeline,
		sink,
		recordedAt: hooks.find(isServerReplay)?.recordedAt ?? null,
		prefersHttp1: hooks.find(isServerReplay)?.prefersHttp1 ?? null,
		onEvent(event) {
			if (event.kind === "egress") egress.set(event.destination, (egress.get(event.destination) ?? 0) + 1);
			setup.onEvent?.(event);
		},
		close: () => (closing ??= close()),
	};
}
