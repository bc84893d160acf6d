// What a proxy sees of its clients while the doctor looks at them: who came, what for, and who did not want our certificate.
import type { ProxyEvent } from "../../src/proxy/context/context.ts";

export interface Seen {
	/** Requests by the client's own name of itself, its User-Agent. */
	readonly agents: ReadonlyMap<string, number>;
	/** Hosts that were asked for. */
	readonly hosts: ReadonlySet<string>;
	/** Hosts that a tunnel was asked for, but for which no request came through one. Some clients hang up so when they do not trust us. */
	readonly silent: ReadonlySet<string>;
	/** Hosts whose certificate a client did not take. */
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

	/** To be told what happens. */
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
