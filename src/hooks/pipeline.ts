// The one runner of hooks: phase by phase for live exchanges, all phases at once for stored flows.
import type { Flow, HttpFlow, WebSocketData } from "../flow/flow.ts";
import { Decision } from "./decision.ts";
import { type Hook, type Phase, phases } from "./hook.ts";

type Runner = (flow: HttpFlow, decision: Decision) => void | Promise<void>;

/** The name of hooks that are scripts. */
export const SCRIPT = "script";

const REQUEST_PHASES: ReadonlySet<Phase> = new Set(["requestheaders", "request"]);

export class Pipeline {
	readonly hooks: readonly Hook[];
	/** Whether some hook must see whole request bodies; else they pass through as they come. */
	readonly needsRequestBody: boolean;
	readonly needsResponseBody: boolean;
	/** Whether some hook must see request bodies however large they are. */
	readonly insistsOnRequestBody: boolean;
	/** Whether one hook alone sees requests and responses that do not fail. */
	readonly isOneAlone: boolean;
	/** Whether some hook may change requests. */
	readonly changesRequests: boolean;
	readonly #host: string | undefined;
	readonly #live: Record<Phase, readonly Runner[]>;
	readonly #stored: Record<Phase, readonly Runner[]>;

	/**
	 * @param hooks in the order of src/hooks/builtin.ts
	 * @param host whose own hooks run too
	 */
	constructor(hooks: readonly Hook[], host?: string) {
		const live = hooks.filter((hook) => hook.host === undefined || hook.host === host);
		this.hooks = hooks;
		this.#host = host;
		this.needsRequestBody = live.some((hook) => hook.needs?.request !== undefined && hook.needs.request !== false);
		this.needsResponseBody = live.some((hook) => hook.needs?.response);
		this.insistsOnRequestBody = live.some((hook) => hook.needs?.request === "always");
		this.changesRequests = live.some((hook) => !hook.leavesRequest && (hook.requestheaders !== undefined || hook.request !== undefined));
		this.#live = byPhase(live);
		this.isOneAlone = (["requestheaders", "request", "responseheaders", "response"] as const).flatMap((phase) => this.#live[phase]).length === 1;
		this.#stored = byPhase(hooks.filter((hook) => !hook.liveOnly));
	}

	/** The pipelines of hosts that have hooks of their own, but for that of such a host. */
	byHost(): ReadonlyMap<string, Pipeline> {
		return this.#host !== undefined
			? new Map()
			: new Map(this.hooks.flatMap(({ host }) => (host === undefined ? [] : [[host, new Pipeline(this.hooks, host)]])));
	}

	/** Whether nothing happens at a phase, so that the exchange need not stop there. */
	isIdle(phase: Phase): boolean {
		return this.#live[phase].length === 0;
	}

	/**
	 * Runs one phase of a live exchange. Once a request phase has a verdict its remaining hooks do not run: the first stands. Nor do they
	 * when the exchange has failed while one waited: nobody is there to be answered, or missed.
	 * Returns a promise only where a hook did.
	 */
	run(phase: Phase, flow: HttpFlow, decision: Decision): void | Promise<void> {
		return runAll(this.#live[phase], 0, phase, flow, decision);
	}

	/** Runs the phases that a stored flow has reached. Resolves to the flow, changed, or null when a hook dropped it. */
	whole(flow: Flow): Flow | null | Promise<Flow | null> {
		flow.record = undefined;
		const decision = new Decision(false);
		return flow.type === "http" ? this.#wholeHttp(flow, decision) : this.#wholeOther(flow, decision);
	}

	async #wholeOther(flow: Exclude<Flow, HttpFlow>, decision: Decision): Promise<Flow | null> {
		for (const hook of this.hooks) if (!hook.liveOnly) await hook.flow?.(flow, decision);
		return decision.verdict?.kind === "drop" ? null : flow;
	}

	/** In the request phases there is no response yet, so that hooks and filters see what they would have seen live. */
	async #wholeHttp(flow: HttpFlow, decision: Decision): Promise<Flow | null> {
		const run = (phase: Phase) => runAll(this.#stored[phase], 0, phase, flow, decision);
		const { response, error } = flow;
		flow.response = null;
		flow.error = null;
		try {
			await this.#wholeOriginal(flow);
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
		if (flow.websocket !== null) await this.#wholeWebSocket(flow.websocket, run);
		if (flow.error !== null) await run("error");
		return decision.verdict?.kind === "drop" ? null : flow;
	}

	/**
	 * What is to be changed in a request, or taken out of it, is so in the request as it came, too. Scripts run once a flow: where there are any,
	 * the request counts as they leave it.
	 */
	async #wholeOriginal(flow: HttpFlow): Promise<void> {
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

	/** The list of messages grows as it did live. */
	async #wholeWebSocket(websocket: WebSocketData, run: (phase: Phase) => void | Promise<void>): Promise<void> {
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
	const of = (phase: Phase) => hooks.flatMap((hook) => hook[phase]?.bind(hook) ?? []);
	return Object.fromEntries(phases.map((phase) => [phase, of(phase)])) as unknown as Record<Phase, readonly Runner[]>;
}

function runAll(runners: readonly Runner[], from: number, phase: Phase, flow: HttpFlow, decision: Decision): void | Promise<void> {
	for (let i = from; i < runners.length; i++) {
		if ((decision.verdict !== null || flow.error !== null) && REQUEST_PHASES.has(phase)) return;
		const wait = runners[i]?.(flow, decision);
		if (wait !== undefined) return wait.then(() => runAll(runners, i + 1, phase, flow, decision));
	}
}
