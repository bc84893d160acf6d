// Runs hooks: phase by phase for live exchanges, all phases at once for stored flows.
import type { Flow, HttpFlow, WebSocketData } from "../flow/flow.ts";
import type { MaybeAsync } from "../maybe-async.ts";
import { Decision } from "./decision.ts";
import { type Hook, type Phase, phases } from "./hook.ts";

type Runner = (flow: HttpFlow, decision: Decision) => MaybeAsync;

/** The name of script hooks. */
export const SCRIPT = "script";

/**
 * The steps of a live exchange: its phases, and two in place of `request` for a request that is streamed. The hooks that
 * do not need its body run before it is forwarded, the others after its end.
 */
export type Step = Phase | "request before body" | "request after body";

const REQUEST_STEPS: ReadonlySet<Step> = new Set([
	"requestheaders",
	"request",
	"request before body",
	"request after body",
]);

export class Pipeline {
	readonly hooks: readonly Hook[];
	/** Whether a hook needs complete request bodies; if not, they can be streamed. */
	readonly needsRequestBody: boolean;
	readonly needsResponseBody: boolean;
	/** Whether a hook needs complete request bodies regardless of their size. */
	readonly alwaysNeedsRequestBody: boolean;
	/** Whether a hook decides by complete request bodies, so that bodies are not streamed because of their media type. */
	readonly decidesByRequestBody: boolean;
	/** Whether exactly one hook function runs on an exchange without errors. */
	readonly hasSingleHook: boolean;
	/** Whether a hook may change requests. */
	readonly changesRequests: boolean;
	readonly #host: string | undefined;
	readonly #live: Record<Step, readonly Runner[]>;
	readonly #stored: Record<Phase, readonly Runner[]>;

	/**
	 * @param hooks in the order of src/hooks/builtin.ts
	 * @param host the host whose own hooks run too
	 */
	constructor(hooks: readonly Hook[], host?: string) {
		const live = hooks.filter((hook) => hook.claims === undefined && (hook.host === undefined || hook.host === host));
		this.hooks = hooks;
		this.#host = host;
		const [withoutBody, withBody] = [
			live.filter((hook) => !hook.needs?.request),
			live.filter((hook) => hook.needs?.request),
		];
		this.needsRequestBody = withBody.length > 0;
		this.needsResponseBody = live.some((hook) => hook.needs?.response);
		this.alwaysNeedsRequestBody = live.some((hook) => hook.needs?.request === "always");
		this.decidesByRequestBody = live.some((hook) => hook.needs?.request === "decides");
		this.changesRequests = live.some(
			(hook) => !hook.leavesRequest && (hook.requestheaders !== undefined || hook.request !== undefined),
		);
		this.#live = {
			...byPhase(live),
			"request before body": runnersOf(withoutBody, "request"),
			"request after body": runnersOf(withBody, "request"),
		};
		this.hasSingleHook =
			(["requestheaders", "request", "responseheaders", "response"] as const).flatMap((phase) => this.#live[phase])
				.length === 1;
		this.#stored = byPhase(hooks.filter((hook) => !hook.liveOnly));
	}

	/** A pipeline for each host that has its own hooks; empty for such a pipeline itself. */
	byHost(): ReadonlyMap<string, Pipeline> {
		return this.#host !== undefined
			? new Map()
			: new Map(this.hooks.flatMap(({ host }) => (host === undefined ? [] : [[host, new Pipeline(this.hooks, host)]])));
	}

	/** Whether no hook runs at a step, so that the exchange can skip it. */
	isIdle(step: Step): boolean {
		return this.#live[step].length === 0;
	}

	/**
	 * Runs one step of a live exchange. In a request phase, the remaining hooks do not run once one has decided, or once
	 * the exchange has failed while a hook was waiting. Returns a promise only if a hook did.
	 */
	run(step: Step, flow: HttpFlow, decision: Decision): MaybeAsync {
		return runAll(this.#live[step], 0, step, flow, decision);
	}

	/** Runs the phases that a stored flow has reached. Resolves to the changed flow, or to null if a hook dropped it. */
	runStored(flow: Flow): Flow | null | Promise<Flow | null> {
		flow.record = undefined;
		const decision = new Decision(false);
		return flow.type === "http" ? this.#runStoredHttp(flow, decision) : this.#runStoredOther(flow, decision);
	}

	async #runStoredOther(flow: Exclude<Flow, HttpFlow>, decision: Decision): Promise<Flow | null> {
		for (const hook of this.hooks) if (!hook.liveOnly) await hook.flow?.(flow, decision);
		return decision.verdict?.kind === "drop" ? null : flow;
	}

	/**
	 * Hides the response and the error during the request phases, so that hooks and filters see the same flow as live.
	 */
	async #runStoredHttp(flow: HttpFlow, decision: Decision): Promise<Flow | null> {
		const run = (phase: Phase) => runAll(this.#stored[phase], 0, phase, flow, decision);
		const { response, error } = flow;
		flow.response = null;
		flow.error = null;
		try {
			await this.#runOriginal(flow);
			await run("requestheaders");
			if (decision.verdict === null) await run("request");
		} finally {
			flow.response = response;
			flow.error = error;
		}
		const { verdict } = decision;
		if (verdict?.kind === "drop") return null;
		if (verdict?.kind === "answer") {
			flow.response = verdict.response;
			flow.error = null;
		}
		if (flow.response !== null) {
			await run("responseheaders");
			await run("response");
		}
		if (flow.websocket !== null) await this.#runWebSocket(flow.websocket, run);
		if (flow.error !== null) await run("error");
		return decision.verdict?.kind === "drop" ? null : flow;
	}

	/**
	 * Applies the request hooks to the original request as well. Scripts run only once per flow: if there are any, the
	 * original is dropped, and only the request that the scripts have changed is kept.
	 */
	async #runOriginal(flow: HttpFlow): Promise<void> {
		const { original, request } = flow;
		if (original === null) return;
		flow.original = null;
		if (this.hooks.some(({ name }) => name === SCRIPT)) return;
		flow.request = original;
		try {
			const decision = new Decision(false);
			await runAll(this.#stored.requestheaders, 0, "requestheaders", flow, decision);
			if (decision.verdict === null) await runAll(this.#stored.request, 0, "request", flow, decision);
			flow.original = flow.request;
		} finally {
			flow.request = request;
		}
	}

	/** Runs the WebSocket phases. The list of messages grows as in live traffic. */
	async #runWebSocket(websocket: WebSocketData, run: (phase: Phase) => MaybeAsync): Promise<void> {
		if (this.#stored.websocket_message.length > 0) {
			const { messages } = websocket;
			websocket.messages = [];
			await run("websocket_start");
			for (const message of messages) {
				websocket.messages.push(message);
				await run("websocket_message");
			}
		} else await run("websocket_start");
		await run("websocket_end");
	}

	async close(): Promise<void> {
		for (const hook of this.hooks) await hook.close?.();
	}
}

function byPhase(hooks: readonly Hook[]): Record<Phase, readonly Runner[]> {
	return Object.fromEntries(phases.map((phase) => [phase, runnersOf(hooks, phase)])) as unknown as Record<
		Phase,
		readonly Runner[]
	>;
}

function runnersOf(hooks: readonly Hook[], phase: Phase): readonly Runner[] {
	return hooks.flatMap((hook) => hook[phase]?.bind(hook) ?? []);
}

function runAll(runners: readonly Runner[], from: number, step: Step, flow: HttpFlow, decision: Decision): MaybeAsync {
	for (let i = from; i < runners.length; i++) {
		if ((decision.verdict !== null || flow.error !== null) && REQUEST_STEPS.has(step)) return;
		const wait = runners[i]?.(flow, decision);
		if (wait !== undefined) return wait.then(() => runAll(runners, i + 1, step, flow, decision));
	}
}
