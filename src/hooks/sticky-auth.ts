// Remembers the credentials that a client has sent to a server, and adds them to later requests for it.
import type { HttpFlow } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileFilterLazily } from "./rule.ts";

export const options = {
	stickyauth: {
		type: "string",
		default: null,
		metavar: "FILTER",
		help: "Add the Authorization header that was sent to a server to later requests for it that match.",
	},
} as const satisfies OptionTable;

/** @throws FlowtapeError FT_BAD_FILTER */
export async function createStickyAuth({ stickyauth: pattern }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (pattern === null) return null;
	const filter = await compileFilterLazily(pattern, context);
	const known = new Map<string, string>();
	return {
		name: "sticky-auth",
		needs: { request: filter.needs.has("requestBody") },
		request(flow) {
			const { headers } = flow.request;
			const origin = originOf(flow);
			const sent = headers.get("authorization");
			if (sent !== null) known.set(origin, sent);
			else if (known.has(origin) && filter.matches(flow)) headers.set("authorization", known.get(origin) as string);
		},
	};
}

/** With the scheme, so that what went through TLS never goes in the clear. */
function originOf({ request: { scheme, host, port } }: HttpFlow): string {
	return `${scheme}://${host.toLowerCase()}:${port}`;
}
