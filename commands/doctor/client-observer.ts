// Collects what the proxy sees of its clients: user agents, hosts, and rejected certificates.
import type { ProxyEvent } from "../../src/proxy/context/context.ts";

export interface Seen {
	/** Number of requests by User-Agent. */
	readonly agents: ReadonlyMap<string, number>;
	/** Hosts of the requests. */
	readonly hosts: ReadonlySet<string>;
	/**
	 * Hosts to which a tunnel was opened without a request in it. Some clients close the connection like this if they do
	 * not trust the authority.
	 */
	readonly silent: ReadonlySet<string>;
	/** Hosts whose certificate a client rejected. */
	readonly untrusted: ReadonlySet<string>;
}

export class ClientObserver implements Seen {
	readonly agents = new Map<string, number>();
	readonly hosts = new Set<string>();
	readonly untrusted = new Set<string>();
	readonly #tunnels = new Set<string>();

	get silent(): ReadonlySet<string> {
		return new Set([...this.#tunnels].filter((host) => !this.hosts.has(host) && !this.untrusted.has(host)));
	}

	/** Pass this to the proxy. */
	readonly onEvent = (event: ProxyEvent): void => {
		if (event.kind === "client_error" && event.untrusted !== undefined) this.untrusted.add(event.untrusted);
		if (event.kind === "tunnel") this.#tunnels.add(event.host);
		if (event.kind !== "flow" || event.flow.type !== "http") return;
		const { request } = event.flow;
		const agent = request.headers.get("user-agent") ?? "(without a name)";
		this.agents.set(agent, (this.agents.get(agent) ?? 0) + 1);
		this.hosts.add(request.host);
	};
}
