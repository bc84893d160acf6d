// Which requests pass to their server, whatever is on the tape.
import { compileFilter } from "../../src/filter/compile.ts";
import type { HttpFlow } from "../../src/flow/flow.ts";
import { defaultPort } from "../../src/flow/url.ts";
import { routedHosts } from "../test/routed-hosts.ts";
import type { TapeOptions } from "./options.ts";

/**
 * @param baseURL the server under test, which passes too; null: none
 * @throws FlowtapeError FT_BAD_FILTER
 */
export function passesOf(
	{ passthrough = [] }: Pick<TapeOptions, "passthrough">,
	baseURL: string | null,
): (flow: HttpFlow) => boolean {
	const underTest = baseURL === null ? [] : [authorityOf(new URL(baseURL))];
	const { routes, filters } = routedHosts({ passthrough: [...passthrough, ...underTest] });
	const compiled = filters.map((filter) => compileFilter(filter));
	return (flow) => !routes(flow.request.host, flow.request.port) || compiled.some((filter) => filter.matches(flow));
}

function authorityOf({ protocol, hostname, port }: URL): string {
	return `${hostname}:${port === "" ? defaultPort(protocol.slice(0, -1)) : port}`;
}
