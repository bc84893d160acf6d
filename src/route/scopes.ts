// Tells the requests of tests that run at the same time apart: each request carries the scope in which it was made.
// Connections cannot tell them, since clients share them.
import { AsyncLocalStorage, type AsyncResource } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import http from "node:http";
import type http2 from "node:http2";
import { createRequire } from "node:module";
import { type Replaceable, RouteError } from "./patches.ts";

/** The field of a request with its scope. The reader of the request takes it off. */
export const SCOPE_FIELD = "flowtape-scope";

/**
 * How the scope of a request was found. `handler`: undici's handler keeps the context in which the request was made.
 * `context`: in the context in which the request is sent, which differs if a client sends it later. `connection`:
 * the request cannot carry a field, so that the scope of its connection counts.
 */
export type ScopeSource = "handler" | "context" | "connection";

// takes 6 ms of processor time, which only tests at the same time need
const loadHttp2 = (): typeof http2 => createRequire(import.meta.url)("node:http2");

export class Scopes {
	/** How many requests had their scope from each source. */
	readonly told: Record<ScopeSource, number> = { handler: 0, context: 0, connection: 0 };
	/** Errors that requests failed with; the program may have caught them. */
	readonly errors: RouteError[] = [];
	readonly #storage = new AsyncLocalStorage<string>();

	/** The scope of the current call; null: none. */
	readonly current = (): string | null => this.#storage.getStore() ?? null;

	run<T>(scope: string, work: () => T): T {
		return this.#storage.run(scope, work);
	}

	enter(scope: string): void {
		this.#storage.enterWith(scope);
	}

	open(): void {
		subscribe("undici:request:create", this.#onUndiciRequest);
	}

	close(): void {
		unsubscribe("undici:request:create", this.#onUndiciRequest);
		this.#storage.disable();
	}

	patches(): Replaceable[] {
		return [
			{
				owner: http.Agent.prototype,
				ownerName: "http.Agent.prototype",
				key: "addRequest",
				handler: (original, self, args) => {
					this.#mark(args[0] as http.ClientRequest);
					return Reflect.apply(original, self, args);
				},
			},
			{
				owner: loadHttp2(),
				ownerName: "http2",
				key: "connect",
				handler: (original, self, args) => {
					const session = Reflect.apply(original, self, args) as http2.ClientHttp2Session;
					this.#watch(session);
					return session;
				},
			},
		];
	}

	#mark(request: http.ClientRequest): void {
		const scope = this.current();
		if (scope === null || request.hasHeader(SCOPE_FIELD)) return;
		this.told[request.headersSent ? "connection" : "context"]++;
		if (!request.headersSent) request.setHeader(SCOPE_FIELD, scope);
	}

	readonly #onUndiciRequest = (message: unknown): void => {
		const { request } = message as { request: UndiciRequest };
		const handler = handlerOf(request);
		const scope = handler === null ? this.current() : handler.runInAsyncScope(this.current);
		if (scope === null) return;
		request.addHeader(SCOPE_FIELD, scope);
		this.told[handler === null ? "context" : "handler"]++;
	};

	/**
	 * A session belongs to the scope in which it was made. A client that shares it sends queued requests in the context of
	 * another one, so that a request of another scope is an error rather than a guess.
	 */
	#watch(session: http2.ClientHttp2Session): void {
		const made = this.current();
		const { request } = session;
		session.request = (headers, options) => {
			const scope = this.current();
			if (Object(headers)[SCOPE_FIELD] === undefined && scope !== made) {
				const error = new RouteError(shared(made, scope));
				this.errors.push(error);
				throw error;
			}
			return request.call(session, headers, options);
		};
	}
}

/** undici's request, as its diagnostics channel gives it. */
interface UndiciRequest {
	addHeader(name: string, value: string): void;
}

/**
 * The handler of a request to undici's `request`, `stream` or `pipeline`; null: of another function, or undici keeps it
 * elsewhere.
 */
function handlerOf(request: object): AsyncResource | null {
	const key = Object.getOwnPropertySymbols(request).find(({ description }) => description === "handler");
	const handler: unknown = key && Reflect.get(request, key);
	return typeof Object(handler).runInAsyncScope === "function" ? (handler as AsyncResource) : null;
}

function shared(made: string | null, scope: string | null): string {
	const text = (name: string | null): string => (name === null ? "outside of the tests" : `in "${name}"`);
	return `an HTTP/2 session was made ${text(made)} and is used ${text(scope)}: the requests of tests that share a session cannot be told apart; make a session for each test, or run the tests one after another`;
}
