// Reads flows from sources, applies steps to them and writes them to a sink.
import type * as Util from "node:util";
import { lazily } from "../lazy.ts";
import type { MaybeAsync } from "../maybe-async.ts";
import type { Flow } from "./flow.ts";
import type { Metadata, MetaValue } from "./metadata.ts";
import type { FlowSink } from "./sink.ts";
import type { FlowSource } from "./source.ts";

const util = lazily<typeof Util>("node:util");

export { type BodySpool, FlowSink, ForwardingSink, NullSink, type OpenFlow } from "./sink.ts";
export { FlowSource, ForwardingSource, type ReadOptions, type ReadProgress } from "./source.ts";

/** Transforms or filters a flow: returns the flow to pass on, or null to drop it. */
export type Step = (flow: Flow) => Flow | null | Promise<Flow | null>;

export interface PipeOptions {
	/** If it is aborted, the pipe stops after the current batch and resolves to the numbers so far. */
	signal?: AbortSignal;
	/** Called after every batch with the number of flows read and passed on. */
	onBatch?: (read: number, passed: number) => void;
	/** Notes on the output, besides those of the sources. */
	notes?: Metadata | undefined;
	/**
	 * Called with the name of a tape note that differs between the sources, and the values of the first ones and of the
	 * next one. Returns the value for all of them; default: the first.
	 */
	onConflict?: (name: string, first: MetaValue, next: MetaValue) => MaybeAsync<MetaValue | undefined>;
	/** Whether the notes on the tapes are copied; default: yes. */
	copiesNotes?: boolean;
}

/**
 * How often to yield to the event loop, in milliseconds, so that signals are handled: reading from a store or from
 * memory never waits for I/O.
 */
const YIELD_INTERVAL_MS = 50;

/**
 * Passes every flow of the sources through the steps to the sink. Does not close the sink. Resolves to the numbers of
 * flows read and passed on.
 */
export async function pipe(
	sources: Iterable<FlowSource>,
	steps: readonly Step[],
	sink: FlowSink,
	options: PipeOptions = {},
): Promise<{ read: number; passed: number }> {
	let read = 0;
	let passed = 0;
	let yieldedAt = performance.now();
	const all = [...sources];
	if (options.copiesNotes !== false) await copyNotes(all, sink, options);
	for (const source of all) {
		if (options.signal?.aborted) break;
		const transferred = steps.length === 0 ? await source.transfer(sink) : null;
		if (transferred !== null) {
			read += transferred;
			passed += transferred;
			options.onBatch?.(read, passed);
			continue;
		}
		for await (const batch of source.read({ reuseBuffers: steps.length === 0 && sink.copies })) {
			for (const first of batch) {
				read++;
				let flow: Flow | null = first;
				for (const step of steps) {
					const next: Flow | null | Promise<Flow | null> = step(flow);
					flow = next instanceof Promise ? await next : next;
					if (flow === null) break;
				}
				if (flow === null) continue;
				passed++;
				const wait = sink.append(flow);
				if (wait !== undefined) await wait;
			}
			options.onBatch?.(read, passed);
			if (performance.now() - yieldedAt > YIELD_INTERVAL_MS) {
				await new Promise((resolve) => setImmediate(resolve));
				yieldedAt = performance.now();
			}
			if (options.signal?.aborted) return { read, passed };
		}
	}
	return { read, passed };
}

/** Copies the tape notes of all sources to the sink. */
async function copyNotes(
	sources: readonly FlowSource[],
	sink: FlowSink,
	{ onConflict, notes: own }: PipeOptions,
): Promise<void> {
	if (!sink.takesNotes) return;
	const notes = new Map<string, MetaValue>();
	const add = async (more: Metadata): Promise<void> => {
		for (const [name, value] of Object.entries(more)) {
			const first = notes.get(name);
			if (first === undefined) notes.set(name, value);
			else if (!util().isDeepStrictEqual(first, value))
				notes.set(name, (await onConflict?.(name, first, value)) ?? first);
		}
	};
	for (const source of sources) await add(await source.notes());
	await add(own ?? {});
	for (const [name, value] of notes) sink.note(name, value);
}
