// Where flows come from and where they go: a source gives batches, a sink takes flows, `pipe` couples the two.
import { isDeepStrictEqual } from "node:util";
import type { Flow } from "./flow.ts";
import type { MetaValue } from "./metadata.ts";
import type { FlowSink } from "./sink.ts";
import type { FlowSource } from "./source.ts";

export { type BodySpool, FlowSink, ForwardingSink, type OpenFlow } from "./sink.ts";
export { FlowSource, ForwardingSource, type ReadOptions, type ReadProgress } from "./source.ts";

/** What happens to a flow on its way: the flow that goes on, or null to drop it. */
export type Step = (flow: Flow) => Flow | null | Promise<Flow | null>;

export interface PipeOptions {
	signal?: AbortSignal;
	/** Called after every batch with the number of flows read and passed on. */
	onBatch?: (read: number, passed: number) => void;
	/** Told the name of a note that differs between the sources: that of the first is kept. */
	onConflict?: (name: string) => void;
}

/** Milliseconds between looks at what else has come, such as a signal: reading a store or memory never waits for anything by itself. */
const TURN_MS = 50;

/** Brings every flow of the sources through the steps to the sink; does not close the sink. Resolves to the counts. */
export async function pipe(
	sources: Iterable<FlowSource>,
	steps: readonly Step[],
	sink: FlowSink,
	options: PipeOptions = {},
): Promise<{ read: number; passed: number }> {
	let read = 0;
	let passed = 0;
	let turn = performance.now();
	const all = [...sources];
	await bringNotes(all, sink, options);
	for (const source of all) {
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
			if (performance.now() - turn > TURN_MS) {
				await new Promise((resolve) => setImmediate(resolve));
				turn = performance.now();
			}
			if (options.signal?.aborted) return { read, passed };
		}
	}
	return { read, passed };
}

/** The notes of all sources together. */
async function bringNotes(sources: readonly FlowSource[], sink: FlowSink, { onConflict }: PipeOptions): Promise<void> {
	if (!sink.takesNotes) return;
	const notes = new Map<string, MetaValue>();
	for (const source of sources) {
		for (const [name, value] of Object.entries(await source.notes())) {
			if (!notes.has(name)) notes.set(name, value);
			else if (!isDeepStrictEqual(notes.get(name), value)) onConflict?.(name);
		}
	}
	for (const [name, value] of notes) sink.note(name, value);
}
