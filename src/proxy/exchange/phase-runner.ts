// Runs the hooks of one exchange, at a phase that it waits for, or behind a message that has passed already.
import type { HttpFlow } from "../../flow/flow.ts";
import { inTurn } from "../../flow/turns.ts";
import { Decision } from "../../hooks/decision.ts";
import type { Phase } from "../../hooks/hook.ts";
import { weightOf } from "../body/flow-weight.ts";
import type { ProxyContext } from "../context/context.ts";
import type { ExchangeHost } from "./host.ts";

export class PhaseRunner {
	readonly decision = new Decision(true);
	readonly #context: ProxyContext;
	readonly #flow: HttpFlow;
	readonly #host: Pick<ExchangeHost, "flush">;
	#aside = 0;

	/** @param host told to write when hooks are through that took their time */
	constructor(context: ProxyContext, flow: HttpFlow, host: Pick<ExchangeHost, "flush">) {
		this.#context = context;
		this.#flow = flow;
		this.#host = host;
	}

	/** Whether hooks look back at a message. */
	get isLookingBack(): boolean {
		return this.#aside > 0;
	}

	/** Whether hooks see a message at one of these phases, and may change it. */
	seesAny(first: Phase, second: Phase): boolean {
		const { pipeline } = this.#context;
		return !pipeline.isIdle(first) || !pipeline.isIdle(second);
	}

	/** Runs the hooks of a phase, then `next`; `fail` where one of them, or `next`, threw. */
	run(phase: Phase, next: () => void, fail: (error: unknown) => void): void {
		try {
			const wait = this.#runHooks(phase);
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

	/** Large bodies wait for their turn; who has failed meanwhile needs no hooks any more. */
	#runHooks(phase: Phase): void | Promise<void> {
		const flow = this.#flow;
		const isFailed = flow.error !== null;
		return inTurn(
			() => weightOf(flow),
			() => {
				if (flow.error === null || isFailed) return this.#context.pipeline.run(phase, flow, this.decision);
			},
		);
	}

	/** Hooks see a message that has passed: nothing they do changes what was sent. `done` is called where they took their time. */
	lookBack(phase: Phase, done: () => void): void {
		if (this.#context.pipeline.isIdle(phase)) return;
		const fail = (error: unknown) => this.#context.emit({ kind: "hook_error", phase, error });
		try {
			const wait = this.#runHooks(phase);
			if (wait === undefined) return;
			this.#aside++;
			const through = () => {
				this.#aside--;
				done();
				this.#host.flush();
			};
			this.#context.track(wait.catch(fail).then(through));
		} catch (error) {
			fail(error);
		}
	}
}
