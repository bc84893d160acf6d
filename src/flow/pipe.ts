// Where flows come from and where they go: a source gives batches, a sink takes flows, `pipe` couples the two.
import { isDeepStrictEqual } from "node:util";
import type { BodySource } from "./body.ts";
import type { Flow, HttpFlow, WebSocketMessage } from "./flow.ts";
import type { Metadata, MetaValue } from "./metadata.ts";

/** Flows in tape order, in batches so that asynchrony costs nothing a flow. */
export interface FlowSource extends AsyncIterable<Flow[]> {
	/** Bytes read so far and in all, for progress; null where the size is not known. */
	progress?(): { done: number; total: number | null };
	/**
	 * Where both ends are of one kind: brings all flows to the sink without making flows of them. The number of flows; null where
	 * that cannot be, and nothing was done.
	 */
	transfer?(sink: FlowSink): Promise<number | null>;
	/** The notes on the tape itself, to be asked for before reading. Without: it has none. */
	notes?(): Promise<Metadata>;
	/** To be called before reading, by who keeps no flow: each is good only until the next batch is asked for, which spares memory. */
	fleeting?(): void;
	/** To be called where it may not be read to its end, or not at all. */
	close?(): Promise<void>;
}

/** A body that is brought piece by piece, before the flow that it belongs to. */
export interface BodySpool {
	write(chunk: Buffer): void;
	/** All of it, to be put in a message of the flow. */
	end(): BodySource;
}

/** A flow in a sink whose messages are still to come. */
export interface OpenFlow {
	/** Stores a message behind those before it. */
	add(message: WebSocketMessage): void;
	/** Stores what else has changed about the flow. */
	close(): void;
	/** Instead of `close`: takes the flow out again. */
	discard(): void;
}

export interface FlowSink {
	/** How many of the flows that it took are safe; where it can tell. */
	readonly stored?: number;
	/** Nothing of a flow is held once it was taken. */
	readonly copies?: boolean;
	/** Takes a flow. A promise means: wait for it before you bring more. */
	append(flow: Flow): void | Promise<void>;
	/** Takes a note on the tape itself, before the first flow. A sink that has no room for notes reports the loss. */
	note?(name: string, value: MetaValue): void;
	/** A place for a body that is too large for memory, where the sink has one. `ofRequest`: a request key may be made of it. */
	spool?(ofRequest?: boolean): BodySpool;
	/** Takes a WebSocket that still goes on, with the messages it has, where the sink can. Further ones are brought to what comes back. */
	open?(flow: HttpFlow): OpenFlow | undefined;
	/** Everything taken is safe once this resolves. */
	close(): Promise<void>;
	/** Instead of `close`, where nothing must be kept: what stood there before stays as it was. */
	discard?(): Promise<void>;
}

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
		const transferred = steps.length === 0 ? await source.transfer?.(sink) : null;
		if (typeof transferred === "number") {
			read += transferred;
			passed += transferred;
			options.onBatch?.(read, passed);
			continue;
		}
		if (steps.length === 0 && sink.copies === true) source.fleeting?.();
		for await (const batch of source) {
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
	if (sink.note === undefined) return;
	const notes = new Map<string, MetaValue>();
	for (const source of sources) {
		for (const [name, value] of Object.entries((await source.notes?.()) ?? {})) {
			if (!notes.has(name)) notes.set(name, value);
			else if (!isDeepStrictEqual(notes.get(name), value)) onConflict?.(name);
		}
	}
	for (const [name, value] of notes) sink.note(name, value);
}
