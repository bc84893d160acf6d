// The servers of this process. A route never leads a connection to them anywhere else.
import { isIP, Server } from "node:net";
import type { Replaceable } from "./patches.ts";
import { isLoopback, isThisMachine, isUnspecified, type Target } from "./target.ts";

export class OwnServers {
	/**
	 * Servers on which `listen` was called, with their listeners of `close`. They are asked for their address when a
	 * client connects, because an earlier listener of their `listening` event may connect before any listener of ours
	 * runs.
	 */
	readonly #servers = new Map<Server, () => void>();

	constructor() {
		for (const handle of activeHandles()) if (handle instanceof Server) this.#add(handle);
	}

	/** Whether a connection to this target reaches a server of this process. */
	has({ host, port }: Target): boolean {
		for (const server of this.#servers.keys()) {
			const bound = server.address();
			if (bound === null || typeof bound === "string" || bound.port !== port) continue;
			if (isThisMachine(host) && accepts(bound.address, host)) return true;
		}
		return false;
	}

	/** @param resolving runs a call in which names are resolved as without a route */
	patches(resolving: <T>(call: () => T) => T): Replaceable[] {
		return [
			{
				owner: Server.prototype,
				ownerName: "net.Server.prototype",
				key: "listen",
				handler: (original, self, args) => {
					this.#add(self as Server);
					return resolving(() => Reflect.apply(original, self, args));
				},
			},
		];
	}

	/** Forgets all servers. */
	close(): void {
		for (const [server, forget] of this.#servers) server.removeListener("close", forget);
		this.#servers.clear();
	}

	#add(server: Server): void {
		if (this.#servers.has(server)) return;
		const forget = (): void => {
			server.removeListener("close", forget);
			this.#servers.delete(server);
		};
		this.#servers.set(server, forget);
		server.on("close", forget);
	}
}

function accepts(bound: string, host: string): boolean {
	if (isUnspecified(bound) || isUnspecified(host)) return true;
	return isIP(host) === 0 ? !isLoopback(host) || isLoopback(bound) : bound === host;
}

/** What keeps this thread running; not documented, and empty where Node has no such function. */
function activeHandles(): readonly unknown[] {
	const { _getActiveHandles: list } = process as unknown as { _getActiveHandles?: () => unknown[] };
	return list?.call(process) ?? [];
}
