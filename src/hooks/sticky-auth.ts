// Remembers the Authorization header sent to a server, and adds it to later requests to that server.
import type { HttpFlow } from "../flow/flow.ts";
import { RecentMap } from "../flow/recent-map.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileFilterLazily } from "./rule.ts";

export const options = {
	stickyauth: {
		type: "string",
		default: null,
		metavar: "FILTER",
		help: "Remember the Authorization header that a client sends to a server, and add it to later matching requests to that server.",
	},
} as const satisfies OptionTable;

/** Limit for the remembered headers, in characters; each header counts 1000 more. Up to twice as many may be kept. */
const REMEMBERED = 8 * 1024 * 1024;

/** @throws FlowtapeError FT_BAD_FILTER */
export async function createStickyAuth(
	{ stickyauth: pattern }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (pattern === null) return null;
	const filter = await compileFilterLazily(pattern, context);
	const known = new RecentMap<string, string>(REMEMBERED, ({ length }) => 1000 + length);
	return {
		name: "sticky-auth",
		needs: { request: filter.needs.has("requestBody") && "decides" },
		request(flow) {
			const { headers } = flow.request;
			const origin = originOf(flow);
			const sent = headers.get("authorization");
			if (sent !== null) {
				if (known.get(origin) !== sent) known.set(origin, sent);
				return;
			}
			const remembered = known.get(origin);
			if (remembered !== undefined && filter.matches(flow)) headers.set("authorization", remembered);
		},
	};
}

/** The key of a server. It includes the scheme, so that credentials sent over TLS are never sent in cleartext. */
function originOf({ request: { scheme, host, port } }: HttpFlow): string {
	return `${scheme}://${host.toLowerCase()}:${port}`;
}
