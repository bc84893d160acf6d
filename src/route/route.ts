// Leads the connections of this thread to an entrance, where a tape answers them, without an agent, a dispatcher or an
// import in the code of the program. Nothing of it is left when it is removed.
import { Socket } from "node:net";
import type { RouteMessage } from "./message.ts";
import { Names } from "./names.ts";
import { OwnServers } from "./own-servers.ts";
import { installed, Patches, RouteError } from "./patches.ts";
import { type ScopeSource, Scopes } from "./scopes.ts";
import { Sockets } from "./sockets.ts";
import type { Target } from "./target.ts";
import { Trust } from "./trust.ts";
import { type WorkerPreload, workerPatches } from "./workers.ts";

export type { RouteMessage } from "./message.ts";
export { RouteError } from "./patches.ts";
export { SCOPE_FIELD } from "./scopes.ts";
export type { Target } from "./target.ts";
export type { WorkerPreload } from "./workers.ts";

export interface RouteOptions {
	/** Where the entrance listens. */
	readonly entrance: Target;
	/** The certificate of the entrance's authority in PEM. It is trusted on routed connections alone. */
	readonly authority: string;
	/**
	 * Whether a connection is routed. It is called for each connection, and for each name that is looked up, with a port
	 * of null. The connection or the lookup fails with an error that it throws.
	 */
	readonly routes: (host: string, port: number | null) => boolean;
	/** Sends a message to the entrance. */
	readonly tell: (message: RouteMessage) => void;
	/** Whether DNS lookups of other records than addresses fail, instead of asking a name server; default: false. */
	readonly offline?: boolean;
	/** Whether requests carry their scope, because tests run at the same time; default: false. */
	readonly concurrent?: boolean;
	/** The scope of connections that are made in no other; default: null, none. */
	readonly scope?: string | null;
	/** Routes the worker threads that this thread starts; default: they are not routed. */
	readonly workers?: WorkerPreload;
}

export interface Route {
	/** Connections that `routes` left to the network, and how many, by "host:port". */
	readonly direct: ReadonlyMap<string, number>;
	/** How many requests had their scope from each source. */
	readonly told: Readonly<Record<ScopeSource, number>>;
	/** Errors that requests failed with; the program may have caught them. */
	readonly errors: readonly RouteError[];
	/** Calls `work` in a scope. */
	run<T>(scope: string, work: () => T): T;
	/** Makes the rest of the current call, and what it starts, belong to a scope. */
	enter(scope: string): void;
	/** Puts every function back and destroys the routed sockets. It does nothing when it is called again. */
	remove(): RemovedRoute;
}

export interface RemovedRoute {
	/** Functions that another tool has replaced since, and that therefore stay, such as "net.Socket.prototype.connect". */
	readonly replaced: readonly string[];
}

/** The route of this thread, also if another copy of this module installed it; null: none. */
export function installedRoute(): Route | null {
	return (installed()?.route as Route | undefined) ?? null;
}

/** @throws RouteError this thread has a route, or functions cannot be replaced */
export function installRoute(options: RouteOptions): Route {
	if (typeof Socket?.prototype?.connect !== "function")
		throw new RouteError("node:net is replaced in this file, so that no connection can be routed; take its mock out");
	if (installed() !== null)
		throw new RouteError("the connections of this thread are routed already; remove that route first");
	return new InstalledRoute(options);
}

class InstalledRoute implements Route {
	readonly #patches = new Patches();
	readonly #own = new OwnServers();
	readonly #scopes = new Scopes();
	readonly #sockets: Sockets;
	#removed: RemovedRoute | null = null;

	constructor(options: RouteOptions) {
		const { entrance, routes, tell, offline = false, concurrent = false, workers } = options;
		const names = new Names({ offline, routes: (name) => routes(name, null) });
		const [own, scopes] = [this.#own, this.#scopes];
		const scope = () => scopes.current() ?? options.scope ?? null;
		const trust = new Trust(options.authority);
		this.#sockets = new Sockets({ entrance, routes, tell, scope, names, own, trust });
		try {
			this.#patches.install(this, [
				...this.#sockets.patches(),
				...own.patches(names.resolving),
				...names.patches(),
				...(concurrent ? scopes.patches() : []),
				...(workers ? workerPatches(workers, scopes.current) : []),
			]);
		} catch (error) {
			own.close();
			throw error;
		}
		if (concurrent) scopes.open();
	}

	get direct(): ReadonlyMap<string, number> {
		return this.#sockets.direct;
	}

	get told(): Readonly<Record<ScopeSource, number>> {
		return this.#scopes.told;
	}

	get errors(): readonly RouteError[] {
		return this.#scopes.errors;
	}

	run<T>(scope: string, work: () => T): T {
		return this.#scopes.run(scope, work);
	}

	enter(scope: string): void {
		this.#scopes.enter(scope);
	}

	remove(): RemovedRoute {
		if (this.#removed !== null) return this.#removed;
		this.#removed = { replaced: this.#patches.undo() };
		this.#scopes.close();
		this.#own.close();
		this.#sockets.close();
		return this.#removed;
	}
}
