// The hook of a test's tape: names the session of each request, lets the test's thread answer, and reports each request.
import { compileFilter } from "../../src/filter/compile.ts";
import type { Flow, HttpFlow } from "../../src/flow/flow.ts";
import { formatAuthority } from "../../src/flow/url.ts";
import type { Decision } from "../../src/hooks/decision.ts";
import type { Hook } from "../../src/hooks/hook.ts";
import { makeResponse } from "../../src/hooks/make-response.ts";
import { SCOPE_FIELD } from "../../src/route/route.ts";
import { applyData, dataOf } from "./flow-data.ts";
import type { FlowData, RespondRequest, RespondResponse } from "./messages.ts";
import type { SeenRequest } from "./options.ts";

export interface TestHookSetup {
	/** A filter of requests: others pass to the network; null: none do. */
	readonly only: string | null;
	/** Filters of requests that pass to the network. */
	readonly passes: readonly string[];
	/** Asks the test's thread for an answer; null: it answers no requests. */
	readonly respond: ((request: RespondRequest) => Promise<RespondResponse | null>) | null;
	/** Lets the test's thread change what is recorded; null: it does not. */
	readonly redact: ((flow: FlowData) => Promise<FlowData>) | null;
	/** Lets the test's thread change requests before they are matched; null: it does not. */
	readonly redactRequest: ((flow: FlowData) => Promise<FlowData>) | null;
	/** Called before the response is sent, or when the request has failed. */
	readonly onSeen: (request: SeenRequest) => void;
}

const NAME = "test-tape";

export class TestHook implements Hook {
	readonly name = NAME;
	readonly liveOnly = true;
	readonly leavesRequest: boolean;
	readonly needs: NonNullable<Hook["needs"]>;
	readonly request?: NonNullable<Hook["request"]>;
	readonly recorded?: NonNullable<Hook["recorded"]>;
	#session: string | null = null;
	/** Sessions by scope. */
	readonly #scopes = new Map<string, string | null>();
	/** The ids of the flows of each session. */
	readonly #flows = new Map<string, string[]>();
	/** Whether a flow was changed before it was recorded. */
	hasRedacted = false;
	/** Whether some requests may pass to the network. */
	readonly isSelective: boolean;
	readonly #setup: TestHookSetup;
	readonly #passed = new WeakSet<Flow>();
	/** `host:port` of requests that passed. */
	readonly #passedTo = new Set<string>();
	/** Requests without a complete response. */
	readonly #open = new Set<HttpFlow>();
	readonly #missed = new Set<string>();
	readonly #responded = new WeakSet<HttpFlow>();
	#onIdle: () => void = () => {};

	/** @throws FlowtapeError FT_BAD_FILTER */
	constructor(setup: TestHookSetup) {
		this.#setup = setup;
		const only = setup.only === null ? null : compileFilter(setup.only);
		const passes = setup.passes.map((filter) => compileFilter(filter));
		const isPassed = (flow: HttpFlow) => only?.matches(flow) === false || passes.some((one) => one.matches(flow));
		this.isSelective = only !== null || passes.length > 0;
		const { respond, redact, redactRequest: matched } = setup;
		this.leavesRequest = matched === null;
		const readsBody = respond !== null || matched !== null;
		this.needs = { request: readsBody || [only, ...passes].some((one) => one?.needs.has("requestBody")) };
		if (redact !== null)
			this.recorded = async (flow) => {
				if (flow.type !== "http") return;
				this.hasRedacted = true;
				applyData(flow, await redact(dataOf(flow)));
			};
		if (!this.isSelective && !readsBody) return;
		this.request = async (flow, decision) => {
			if (isPassed(flow)) {
				this.#passed.add(flow);
				this.#passedTo.add(formatAuthority(flow.request.host, flow.request.port));
				return;
			}
			await this.#respond(flow, decision);
			if (matched !== null && decision.verdict === null) applyData(flow, await matched(dataOf(flow)));
		};
	}

	requestheaders(flow: HttpFlow): void {
		const session = this.#sessionOf(flow);
		flow.session = session;
		if (session !== null) this.#flows.get(session)?.push(flow.id);
		this.#open.add(flow);
	}

	/** Takes the mark of the scope off the request. */
	#sessionOf({ request, clientConn }: HttpFlow): string | null {
		const scope = request.headers.get(SCOPE_FIELD) ?? clientConn.proxyUser;
		request.headers.delete(SCOPE_FIELD);
		return (scope === undefined ? undefined : this.#scopes.get(scope)) ?? this.#session;
	}

	responseheaders(flow: HttpFlow): void {
		this.#seen(flow, flow.response?.statusCode ?? null);
	}

	response(flow: HttpFlow): void {
		this.#end(flow);
	}

	error(flow: HttpFlow): void {
		// the response may have begun
		if (flow.response === null) this.#seen(flow, null);
		this.#end(flow);
	}

	/**
	 * Requests belong to a session (null: to none): those with a scope, or all from now on (null). Returns the ids of its
	 * flows so far.
	 */
	begin(session: string | null, scope: string | null = null): readonly string[] {
		if (scope === null) this.#session = session;
		else this.#scopes.set(scope, session);
		if (session === null) return [];
		const before = this.#flows.get(session) ?? [];
		this.#flows.set(session, []);
		return before;
	}

	/** Whether a session of this name has begun. */
	hasBegun(session: string | null): boolean {
		return session !== null && this.#flows.has(session);
	}

	/** Whether a request passed to the network, so that it is neither replayed nor recorded. */
	isPassed(flow: Flow): boolean {
		return this.#passed.has(flow);
	}

	/** Whether requests passed to `host:port`. */
	isPassedTo(destination: string): boolean {
		return this.#passedTo.has(destination);
	}

	/** A request was missed; called before its response. */
	missed(id: string): void {
		this.#missed.add(id);
	}

	/** Open requests: `GET https://…`. */
	get open(): string[] {
		return [...this.#open].map(({ request }) => `${request.method} ${request.prettyUrl}`);
	}

	/** Resolves when no request is open. */
	async idle(): Promise<void> {
		if (this.#open.size === 0) return;
		await new Promise<void>((resolve) => {
			this.#onIdle = resolve;
		});
	}

	#seen(flow: HttpFlow, status: number | null): void {
		const { method, prettyUrl: url } = flow.request;
		this.#setup.onSeen({ method, url, status, answeredBy: this.#answererOf(flow, status) });
	}

	#answererOf(flow: HttpFlow, status: number | null): SeenRequest["answeredBy"] {
		if (this.#missed.delete(flow.id) || status === null) return null;
		if (this.#responded.has(flow)) return "respond";
		return flow.isReplay === "response" ? "tape" : "server";
	}

	#end(flow: HttpFlow): void {
		this.#open.delete(flow);
		if (this.#open.size === 0) this.#onIdle();
	}

	async #respond(flow: HttpFlow, decision: Decision): Promise<void> {
		const { method, prettyUrl: url, headers, content } = flow.request;
		const answer = await this.#setup.respond?.({ method, url, headers: [...headers], body: content });
		if (!answer) return;
		this.#responded.add(flow);
		// so that it is not recorded
		flow.isReplay = "response";
		decision.answer(makeResponse(answer.status, answer.headers, Buffer.from(answer.body), Date.now() / 1000), NAME);
	}
}
