// A sink that lets hooks change what is recorded. They get copies: clients and servers keep what was sent.
import { copyFlow } from "../flow/copy-flow.ts";
import type { Conversation, Flow } from "../flow/flow.ts";
import { type BodySpool, type FlowSink, ForwardingSink, type OpenFlow } from "../flow/sink.ts";
import { after, callInOrder, type MaybeAsync } from "../maybe-async.ts";
import type { Hook } from "./hook.ts";

/** Runs the phase `recorded` of all hooks on a flow that is about to be written. */
export function runRecorded(hooks: readonly Hook[], flow: Flow): MaybeAsync {
	return callInOrder(functionsOf(hooks), flow);
}

/** Looked up for every flow, because a script may be loaded again. */
function functionsOf(hooks: readonly Hook[]): ((flow: Flow) => MaybeAsync)[] {
	return hooks.flatMap((hook) => hook.recorded?.bind(hook) ?? []);
}

export class RecordedSink extends ForwardingSink {
	readonly #hooks: readonly Hook[];

	constructor(output: FlowSink, hooks: readonly Hook[]) {
		super(output);
		this.#hooks = hooks;
	}

	get #isIdle(): boolean {
		return !this.#hooks.some(({ recorded }) => recorded !== undefined);
	}

	override append(flow: Flow): MaybeAsync {
		if (this.#isIdle) return this.inner.append(flow);
		const copy = copyFlow(flow);
		return after(runRecorded(this.#hooks, copy), () => this.inner.append(copy));
	}

	/** Large bodies must not be stored before the hooks have seen them. */
	override spool(ofRequest?: boolean): BodySpool | null {
		return this.#isIdle ? this.inner.spool(ofRequest) : null;
	}

	/** The hooks get complete conversations only. */
	override open(flow: Conversation): OpenFlow | null {
		return this.#isIdle ? this.inner.open(flow) : null;
	}
}
