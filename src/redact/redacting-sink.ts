// A sink that redacts what is recorded. It changes copies: clients, servers and hooks keep what was sent. A value that
// turns out to be a secret only later is redacted in the flows that were written before.
import { copyFlow } from "../flow/copy-flow.ts";
import type { Conversation, Flow } from "../flow/flow.ts";
import { type FlowSink, ForwardingSink, type OpenFlow } from "../flow/sink.ts";
import { after, type MaybeAsync } from "../maybe-async.ts";
import type { Findings, Redactor } from "./redactor.ts";
import { SeenValues } from "./seen-values.ts";

export class RedactingSink extends ForwardingSink {
	readonly #redactor: Redactor;
	readonly #seen = new SeenValues();
	/** The flow that was written last, and its copy. */
	#last: { readonly flow: Flow; readonly copy: Flow } | null = null;
	/** Stands for the number of a flow if the output has none. */
	#count = 0;
	/** Number of earlier flows in which a secret was replaced that was recognized later. */
	corrected = 0;
	/** Number of earlier flows that the output cannot change, with a secret that was recognized later. */
	uncorrected = 0;

	constructor(output: FlowSink, redactor: Redactor) {
		super(output);
		this.#redactor = redactor;
	}

	/** The redacted copy of a flow that has just been written, in the same turn of the event loop; else null. */
	copyOf(flow: Flow): Flow | null {
		return this.#last?.flow === flow ? this.#last.copy : null;
	}

	override append(flow: Flow): MaybeAsync {
		const copy = copyFlow(flow);
		const findings = this.#redactor.redactNew(copy);
		this.#last = { flow, copy };
		// its listeners are called at once; large bodies must not be kept
		queueMicrotask(this.#forgetLast);
		return after(this.inner.append(copy), () => this.#note(findings, this.inner.last ?? this.#count++));
	}

	readonly #forgetLast = (): void => {
		this.#last = null;
	};

	/** Large bodies must not be stored before they are redacted. */
	override spool(): null {
		return null;
	}

	override open(flow: Conversation): OpenFlow | null {
		const first = copyFlow(flow);
		const findings = this.#redactor.redactNew(first);
		const entry = this.inner.open(first);
		if (entry === null) return null;
		const number = this.inner.last ?? this.#count++;
		this.#note(findings, number);
		return {
			addMessage: (message) => {
				const copy = { ...message };
				const found = this.#redactor.redactMessage(copy);
				entry.addMessage(copy);
				this.#note(found, number);
			},
			close: () => {
				const final = copyFlow(flow);
				// they are stored already
				if (final.type === "tcp") final.messages = [];
				else if (final.websocket !== null) final.websocket.messages = [];
				const found = this.#redactor.redactNew(final);
				entry.close(final);
				this.#note(found, number);
			},
			discard: () => entry.discard(),
		};
	}

	/** Redacts new secrets in earlier flows, and remembers the values of this one. */
	#note({ learned, texts }: Findings, number: number): void {
		const flows = new Set(learned.flatMap((secret) => [...this.#seen.flowsWith(secret)]));
		for (const earlier of flows) this.#correct(earlier);
		for (const text of texts) this.#seen.add(text, number);
	}

	#correct(number: number): void {
		if (this.inner.last === null) this.uncorrected++;
		else if (this.inner.amend(number, (flow) => this.#redactor.redact(flow))) this.corrected++;
	}
}
