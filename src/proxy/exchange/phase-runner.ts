// Runs the hooks of one exchange: at a phase that the exchange waits for, or after a message that was streamed.
import type { HttpFlow } from "../../flow/flow.ts";
import { schedule } from "../../flow/scheduler.ts";
import { Decision } from "../../hooks/decision.ts";
import type { Phase } from "../../hooks/hook.ts";
import type { Step } from "../../hooks/pipeline.ts";
import type { MaybeAsync } from "../../maybe-async.ts";
import { workloadOf } from "../body/flow-weight.ts";
import type { ProxyContext } from "../context/context.ts";
import type { ExchangeHost } from "./host.ts";

export class PhaseRunner {
	readonly decision = new Decision(true);
	readonly #context: ProxyContext;
	readonly #flow: HttpFlow;
	readonly #host: Pick<ExchangeHost, "flush">;
	/** Hooks that still run after a streamed message. */
	#afterwards = 0;

	/** @param host flushed when asynchronous hooks have finished */
	constructor(context: ProxyContext, flow: HttpFlow, host: Pick<ExchangeHost, "flush">) {
		this.#context = context;
		this.#flow = flow;
		this.#host = host;
	}

	/** Whether hooks still run after a streamed message. */
	get isRunningAfterwards(): boolean {
		return this.#afterwards > 0;
	}

	/** Whether hooks run at one of these phases, and may change the message. */
	seesAny(first: Phase, second: Phase): boolean {
		const { pipeline } = this.#context;
		return !pipeline.isIdle(first) || !pipeline.isIdle(second);
	}

	/** Runs the hooks of a step, then `next`; calls `fail` if one of them throws. */
	run(step: Step, next: () => void, fail: (error: unknown) => void): void {
		try {
			const wait = this.#context.pipeline.isIdle(step) ? undefined : this.#runHooks(step);
			if (wait === undefined) next();
			else
				this.#context.track(
					wait
						.then(next)
						.catch(fail)
						.then(() => this.#host.flush()),
				);
		} catch (error) {
			fail(error);
		}
	}

	/**
	 * Exchanges with large bodies take turns. An exchange that fails while it waits for its turn does not run these
	 * hooks.
	 */
	#runHooks(step: Step): MaybeAsync {
		const flow = this.#flow;
		const isFailed = flow.error !== null;
		return schedule(
			() => workloadOf(flow),
			() => {
				if (flow.error === null || isFailed) return this.#context.pipeline.run(step, flow, this.decision);
			},
		);
	}

	/**
	 * Runs hooks after a message was streamed, which they can no longer change. Calls `done` only if they were
	 * asynchronous.
	 */
	runAfterwards(phase: "request" | "response", done: () => void): void {
		const step = phase === "request" ? "request after body" : phase;
		if (this.#context.pipeline.isIdle(step)) return;
		const fail = (error: unknown) => this.#context.emit({ kind: "hook_error", phase, error });
		try {
			const wait = this.#runHooks(step);
			if (wait === undefined) return;
			this.#afterwards++;
			const finish = () => {
				this.#afterwards--;
				done();
				this.#host.flush();
			};
			this.#context.track(wait.catch(fail).then(finish));
		} catch (error) {
			fail(error);
		}
	}
}
