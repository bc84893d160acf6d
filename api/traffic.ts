// The common parts of a live proxy and a client replay: hooks with recordings and scripts, and the output.
import { createTape } from "../formats/index.ts";
import type { Reporter } from "../src/errors.ts";
import { openFileSpool } from "../src/flow/file-spool.ts";
import type { Flow } from "../src/flow/flow.ts";
import { type FlowSink, NullSink } from "../src/flow/pipe.ts";
import type { HookValues } from "../src/hooks/builtin.ts";
import type { HookContext, TrustGuide } from "../src/hooks/context.ts";
import type { Hook } from "../src/hooks/hook.ts";
import type { Pipeline } from "../src/hooks/pipeline.ts";
import type { ReplayReport } from "../src/hooks/server-replay.ts";
import type { ProxyEvent, ProxySetup } from "../src/proxy/server.ts";
import type { RecordedTape } from "../src/replay/recordings/index-of-tapes.ts";
import type { ScriptHost } from "../src/scripts/script-host.ts";
import { LiveRedaction, type RedactionSetup } from "./live-redaction.ts";
import { closeRecordings, openAllRecordings } from "./recordings.ts";

export interface TrafficSetup
	extends RedactionSetup,
		Pick<HookContext, "onChange" | "onMiss" | "onServed" | "onUnused" | "wording" | "passes" | "clients"> {
	values: HookValues & RedactionSetup["values"];
	/** The user's scripts. */
	scripts?: ScriptHost | undefined;
	/** Hooks of the program; they run after those of scripts. */
	hooks?: readonly Hook[];
	/** Whether the output survives a power failure. */
	durable?: boolean | undefined;
	/** Whether to write a flow that the recording filter accepts; default: yes. */
	keeps?: (flow: Flow) => boolean;
	/** Receives problems with tapes. */
	report: Reporter;
	onEvent?: (event: ProxyEvent) => void;
	/**
	 * Whether `onEvent` and `onServed` are called for every flow; default: yes. If not, flows that the response cache
	 * answers are left out.
	 */
	wantsFlows?: boolean;
	/** Whether `onEvent` is called for responses from the cache, which have no flow; default: no. */
	reportsCached?: boolean;
}

/** The counts of a run. */
export interface LiveReport {
	/** Flows that were written to the output. */
	readonly recorded: number;
	/** Flows that could not be written. */
	readonly lost: number;
	/** null: there were no recordings to answer from. */
	readonly replay: ReplayReport | null;
	/** Attempts to connect to servers, by `host:port`. */
	readonly egress: ReadonlyMap<string, number>;
	/** Requests and tunnels to servers of the clients themselves, which were not intercepted. */
	readonly own: number;
	/** Requests that browsers made by themselves, which got fixed answers. */
	readonly noise: number;
}

/** The upstream proxies and their credentials. */
export async function upstreamSettings({
	values,
	env = {},
	log,
}: TrafficSetup): Promise<Pick<ProxySetup, "route" | "upstreamCredentials">> {
	const { upstreamCredentials } = await import("../src/hooks/upstream-auth.ts");
	const { environmentRoute } = await import("../src/proxy/route/environment-proxy.ts");
	return {
		route: environmentRoute(env, (message) => log?.("warning", message)),
		upstreamCredentials: upstreamCredentials(values),
	};
}

/** Counts an attempt to connect to a server. */
export function countEgress(egress: Map<string, number>, destination: string): void {
	egress.set(destination, (egress.get(destination) ?? 0) + 1);
}

export interface Traffic {
	pipeline: Pipeline;
	sink: FlowSink;
	onEvent: (event: ProxyEvent) => void;
	/** A flow as it is recorded, or would be; without redaction, the flow itself. */
	recorded(flow: Flow): Flow;
	recordedAt: number | null;
	/** The number of recordings in all tapes that have not answered yet. */
	countUnused(): number;
	/** Counts the requests of a session until the returned function is called. */
	openSession(name: string): () => ReplayReport;
	/** Begins the order of equal requests anew in a session. null: in all sessions. */
	rewind(session: string | null): void;
	prefersHttp1: ProxySetup["prefersHttp1"];
	/** Writes the remaining flows and closes the output. Further calls return the same promise. */
	close(): Promise<LiveReport>;
}

/** Opens recordings, hooks and output. If one fails, closes the others. */
export async function prepareTraffic(setup: TrafficSetup, guide?: TrustGuide): Promise<Traffic> {
	const { formats } = setup;
	const recordings = await openAllRecordings(
		setup.recordings.map((tape) => (typeof tape === "string" ? { path: tape, formats } : tape)),
		setup.report,
	);
	try {
		return await trafficFrom(recordings, setup, guide);
	} catch (error) {
		await closeRecordings(recordings);
		throw error;
	}
}

async function trafficFrom(
	recordings: readonly RecordedTape[],
	given: TrafficSetup,
	guide: TrustGuide | undefined,
): Promise<Traffic> {
	const redaction = await LiveRedaction.prepare(given);
	const { values, output, format, formats, durable, report, ...setup } = { ...given, ...redaction?.listeners(given) };
	const { loadCodings } = await import("../src/flow/body.ts");
	const { CountingSink } = await import("../src/flow/counting-sink.ts");
	const { createHooks, createRecordingFilter } = await import("../src/hooks/builtin.ts");
	const { Pipeline } = await import("../src/hooks/pipeline.ts");
	const { isServerReplay } = await import("../src/hooks/server-replay.ts");
	loadCodings();
	const scripts = [...(setup.scripts?.hooks ?? []), ...(setup.hooks ?? [])];
	const hooks = await createHooks(values, {
		...setup,
		recordings,
		scripts,
		...(guide && { guide }),
		...(redaction && { notes: redaction.notes }),
	});
	const filter = await createRecordingFilter(values);
	const isKept = (flow: Flow) => filter?.matches(flow) !== false && setup.keeps?.(flow) !== false;
	const pipeline = new Pipeline(hooks);
	const tape =
		output === null
			? null
			: await createTape(output, {
					append: true,
					format: format ?? undefined,
					formats,
					durable,
					erases: redaction !== null,
					report,
				});
	// A filter on bodies can be evaluated only when they are complete.
	const isOpenable = filter === null || !(filter.needs.has("requestBody") || filter.needs.has("responseBody"));
	const sink = new CountingSink(await sinkOf(tape, redaction, scripts), {
		isKept: (flow) => tape !== null && isKept(flow),
		isOpenable,
		openSpool: openFileSpool,
	});
	const egress = new Map<string, number>();
	let own = 0;
	let noise = 0;
	const close = async (): Promise<LiveReport> => {
		try {
			await sink.close();
		} catch (error) {
			// earlier commits are stored and counted
			if (tape === null || tape.stored === null) throw error;
			setup.onEvent?.({ kind: "sink_error", error });
		}
		await redaction?.finish(report);
		const replay = (await hooks.find(isServerReplay)?.report()) ?? null;
		await pipeline.close();
		await closeRecordings(recordings);
		return { recorded: sink.stored, lost: sink.lost, replay, egress, own, noise };
	};
	let closing: Promise<LiveReport> | null = null;
	return {
		pipeline,
		sink,
		recorded: (flow) => redaction?.recorded(flow) ?? flow,
		recordedAt: hooks.find(isServerReplay)?.recordedAt ?? null,
		countUnused: () => hooks.find(isServerReplay)?.countUnused() ?? 0,
		openSession: (name) =>
			hooks.find(isServerReplay)?.openSession(name) ?? (() => ({ served: 0, missed: 0, unused: 0 })),
		rewind: (session) => hooks.find(isServerReplay)?.rewind(session),
		prefersHttp1: hooks.find(isServerReplay)?.prefersHttp1 ?? null,
		onEvent(event) {
			if (event.kind === "egress") countEgress(egress, event.destination);
			else if (event.kind === "own") own++;
			else if (event.kind === "noise") noise++;
			setup.onEvent?.(event);
		},
		close: () => (closing ??= close()),
	};
}

/** The sink before a tape: first hooks change what is recorded, then secrets are replaced. */
async function sinkOf(
	tape: FlowSink | null,
	redaction: LiveRedaction | null,
	scripts: readonly Hook[],
): Promise<FlowSink> {
	if (tape === null) return new NullSink();
	const redacted = redaction === null ? tape : await redaction.through(tape);
	if (scripts.length === 0) return redacted;
	const { RecordedSink } = await import("../src/hooks/recorded-sink.ts");
	return new RecordedSink(redacted, scripts);
}
