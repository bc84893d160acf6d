// Which connections are routed to the tape. Hosts are decided for each connection; filters are for the engine, because
// they need the request.
import type { TapeOptions } from "./options.ts";

export interface RoutedHosts {
	/** Whether connections to a host are routed. `port` null: whether those to any of its ports are. */
	routes(host: string, port: number | null): boolean;
	/** The filters of requests that pass to the network. */
	readonly filters: readonly string[];
}

/** A host with an optional port: filters have an operator, a space or a parenthesis. */
const HOST = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d+))?$/i;

/** Reads the option `passthrough`. */
export function routedHosts({ passthrough = [] }: TapeOptions): RoutedHosts {
	const filters = passthrough.filter((text) => !HOST.test(text));
	const direct = new Set<string>();
	for (const text of passthrough) {
		const [, address, name, port] = HOST.exec(text) ?? [];
		const host = (address ?? name)?.toLowerCase();
		if (host !== undefined) direct.add(port === undefined ? host : `${host}:${Number(port)}`);
	}
	const routes = (given: string, port: number | null) => {
		const host = given.toLowerCase();
		return !direct.has(host) && !(port !== null && direct.has(`${host}:${port}`));
	};
	return { routes, filters };
}
