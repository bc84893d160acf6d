// Sinks: where flows are written. Optional members have defaults here; ForwardingSink forwards all members to another
// sink.
import type { MaybeAsync } from "../maybe-async.ts";
import type { BodySource } from "./body.ts";
import type { Conversation, Flow, StreamMessage, WebSocketMessage } from "./flow.ts";
import type { MetaValue } from "./metadata.ts";

/** Stores a body chunk by chunk, before the flow that it belongs to. */
export interface BodySpool {
	write(chunk: Buffer): void;
	/** Returns the complete body, for use in a message of the flow. */
	end(): BodySource;
}

/** A WebSocket or TCP flow that a sink has begun to store and whose messages are still arriving. */
export interface OpenFlow {
	/** Appends a message. */
	addMessage(message: WebSocketMessage | StreamMessage): void;
	/** Stores the final state of the flow; default: the state of the flow that was opened. Its messages are not read. */
	close(final?: Conversation): void;
	/** Removes the flow from the sink; call it instead of `close`. */
	discard(): void;
}

/** The functions of `FlowSink.of`: each implements the member of `FlowSink` of the same name. */
export interface SinkFunctions {
	append(flow: Flow): MaybeAsync;
	spool?(ofRequest?: boolean): BodySpool;
	open?(flow: Conversation): OpenFlow;
	close?(): Promise<void>;
	discard?(): Promise<void>;
}

export abstract class FlowSink {
	/** Makes a sink from functions. */
	static of(functions: SinkFunctions): FlowSink {
		return new PlainSink(functions);
	}

	/** Number of appended flows that are stored durably; null: unknown. */
	get stored(): number | null {
		return null;
	}

	/** Number of appended flows that were left out because the format cannot represent them. */
	get leftOut(): number {
		return 0;
	}

	/** Whether the sink keeps no reference to a flow after `append`. */
	get copies(): boolean {
		return false;
	}

	/** Whether `note` should be called with the notes of the source tapes. */
	get takesNotes(): boolean {
		return false;
	}

	/** The number of the flow that was appended or opened last; null: written flows cannot be changed. */
	get last(): number | null {
		return null;
	}

	/** Writes a flow. If it returns a promise, wait for it before the next call. */
	abstract append(flow: Flow): MaybeAsync;

	/**
	 * Changes a flow that was written before, by its number. Nothing of its earlier state is left in the file. Returns
	 * whether `change` changed it.
	 */
	amend(_number: number, _change: (flow: Flow) => boolean): boolean {
		return false;
	}

	/** Writes a note about the tape itself, before the first flow. A sink that cannot store notes reports the loss. */
	note(_name: string, _value: MetaValue): void {}

	/** Resolves when flows are written at once. Flows that are appended before wait until then. */
	async ready(): Promise<void> {}

	/**
	 * Opens a spool for a body that is too large for memory; null: not supported. `ofRequest`: the body belongs to a
	 * request, so a request key may be computed from it.
	 */
	spool(_ofRequest?: boolean): BodySpool | null {
		return null;
	}

	/**
	 * Begins to store a WebSocket or TCP flow that is still open, with the messages so far; add later ones to the result.
	 * null: not supported.
	 */
	open(_flow: Conversation): OpenFlow | null {
		return null;
	}

	/** Finishes the output. All flows are stored durably once this resolves. */
	abstract close(): Promise<void>;

	/** Discards the output; call it instead of `close`. An existing file of that name stays unchanged. */
	async discard(): Promise<void> {}
}

class PlainSink extends FlowSink {
	readonly append: (flow: Flow) => MaybeAsync;
	readonly #functions: SinkFunctions;

	constructor(functions: SinkFunctions) {
		super();
		this.append = (flow) => functions.append(flow);
		this.#functions = functions;
	}

	override spool(ofRequest?: boolean): BodySpool | null {
		return this.#functions.spool?.(ofRequest) ?? null;
	}

	override open(flow: Conversation): OpenFlow | null {
		return this.#functions.open?.(flow) ?? null;
	}

	async close(): Promise<void> {
		await this.#functions.close?.();
	}

	override async discard(): Promise<void> {
		await this.#functions.discard?.();
	}
}

/** Forwards every member to another sink; the base class of wrappers. */
export class ForwardingSink extends FlowSink {
	protected readonly inner: FlowSink;

	constructor(inner: FlowSink) {
		super();
		this.inner = inner;
	}

	override get stored(): number | null {
		return this.inner.stored;
	}

	override get leftOut(): number {
		return this.inner.leftOut;
	}

	override get copies(): boolean {
		return this.inner.copies;
	}

	override get takesNotes(): boolean {
		return this.inner.takesNotes;
	}

	override get last(): number | null {
		return this.inner.last;
	}

	append(flow: Flow): MaybeAsync {
		return this.inner.append(flow);
	}

	override amend(number: number, change: (flow: Flow) => boolean): boolean {
		return this.inner.amend(number, change);
	}

	override note(name: string, value: MetaValue): void {
		this.inner.note(name, value);
	}

	override ready(): Promise<void> {
		return this.inner.ready();
	}

	override spool(ofRequest?: boolean): BodySpool | null {
		return this.inner.spool(ofRequest);
	}

	override open(flow: Conversation): OpenFlow | null {
		return this.inner.open(flow);
	}

	close(): Promise<void> {
		return this.inner.close();
	}

	override discard(): Promise<void> {
		return this.inner.discard();
	}
}

/** Accepts all flows and discards them. */
export class NullSink extends FlowSink {
	append(): void {}

	override open(): OpenFlow {
		return { addMessage() {}, close() {}, discard() {} };
	}

	async close(): Promise<void> {}
}
