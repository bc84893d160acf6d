// Where flows go. Members that a sink does not need have defaults here; a wrapper forwards all of them.
import type { BodySource } from "./body.ts";
import type { Flow, HttpFlow, WebSocketMessage } from "./flow.ts";
import type { MetaValue } from "./metadata.ts";

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

/** What a sink of functions is made of: each does as the member of `FlowSink` of its name. */
export interface SinkFunctions {
	append(flow: Flow): void | Promise<void>;
	spool?(ofRequest?: boolean): BodySpool;
	open?(flow: HttpFlow): OpenFlow;
	close?(): Promise<void>;
	discard?(): Promise<void>;
}

export abstract class FlowSink {
	/** A sink of functions. */
	static of(functions: SinkFunctions): FlowSink {
		return new PlainSink(functions);
	}

	/** How many of the flows that it took are safe; null where it cannot tell. */
	get stored(): number | null {
		return null;
	}

	/** Whether nothing of a flow is held once it was taken. */
	get copies(): boolean {
		return false;
	}

	/** Whether it is to be brought the notes on tapes. */
	get takesNotes(): boolean {
		return false;
	}

	/** Takes a flow. A promise means: wait for it before you bring more. */
	abstract append(flow: Flow): void | Promise<void>;

	/** Takes a note on the tape itself, before the first flow. A sink that has no room for notes reports the loss. */
	note(_name: string, _value: MetaValue): void {}

	/** A place for a body that is too large for memory; null where the sink has none. `ofRequest`: a request key may be made of it. */
	spool(_ofRequest?: boolean): BodySpool | null {
		return null;
	}

	/** Takes a WebSocket that still goes on, with the messages it has; further ones are brought to what comes back. null where it cannot. */
	open(_flow: HttpFlow): OpenFlow | null {
		return null;
	}

	/** Everything taken is safe once this resolves. */
	abstract close(): Promise<void>;

	/** Instead of `close`, where nothing must be kept: what stood there before stays as it was. */
	async discard(): Promise<void> {}
}

class PlainSink extends FlowSink {
	readonly append: (flow: Flow) => void | Promise<void>;
	readonly #functions: SinkFunctions;

	constructor(functions: SinkFunctions) {
		super();
		this.append = (flow) => functions.append(flow);
		this.#functions = functions;
	}

	override spool(ofRequest?: boolean): BodySpool | null {
		return this.#functions.spool?.(ofRequest) ?? null;
	}

	override open(flow: HttpFlow): OpenFlow | null {
		return this.#functions.open?.(flow) ?? null;
	}

	async close(): Promise<void> {
		await this.#functions.close?.();
	}

	override async discard(): Promise<void> {
		await this.#functions.discard?.();
	}
}

/** Does as another sink does, but for what is overridden. */
export class ForwardingSink extends FlowSink {
	protected readonly inner: FlowSink;

	constructor(inner: FlowSink) {
		super();
		this.inner = inner;
	}

	override get stored(): number | null {
		return this.inner.stored;
	}

	override get copies(): boolean {
		return this.inner.copies;
	}

	override get takesNotes(): boolean {
		return this.inner.takesNotes;
	}

	append(flow: Flow): void | Promise<void> {
		return this.inner.append(flow);
	}

	override note(name: string, value: MetaValue): void {
		this.inner.note(name, value);
	}

	override spool(ofRequest?: boolean): BodySpool | null {
		return this.inner.spool(ofRequest);
	}

	override open(flow: HttpFlow): OpenFlow | null {
		return this.inner.open(flow);
	}

	close(): Promise<void> {
		return this.inner.close();
	}

	override discard(): Promise<void> {
		return this.inner.discard();
	}
}
