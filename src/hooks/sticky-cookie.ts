// Remembers the cookies that servers set, and adds them to requests without cookies.
import { now as clock } from "../clock.ts";
import { CookieJar, type CookieOrigin } from "../flow/cookie-jar.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileFilterLazily } from "./rule.ts";

export const options = {
	stickycookie: {
		type: "string",
		default: null,
		metavar: "FILTER",
		help: "Remember the cookies that servers set, and add them to later matching requests that have no Cookie header.",
	},
} as const satisfies OptionTable;

/** @throws FlowtapeError FT_BAD_FILTER */
export async function createStickyCookie(
	{ stickycookie: pattern }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (pattern === null) return null;
	const filter = await compileFilterLazily(pattern, context);
	const { now = clock } = context;
	const jar = new CookieJar();
	return {
		name: "sticky-cookie",
		needs: { request: filter.needs.has("requestBody") && "decides" },
		request(flow) {
			const { headers } = flow.request;
			if (headers.has("cookie") || !filter.matches(flow)) return;
			const cookies = jar.cookiesFor(cookieOrigin(flow), timeOf(flow.request.timestampStart, now));
			if (cookies === null) return;
			flow.metadata.stickycookie = true;
			headers.add("cookie", cookies);
		},
		// stores cookies regardless of the filter, which selects only the requests that get them
		response(flow) {
			const { request, response } = flow;
			if (response === null) return;
			const at = timeOf(response.timestampStart || request.timestampStart, now);
			for (const cookie of response.headers.getAll("set-cookie")) jar.store(cookie, cookieOrigin(flow), at);
		},
	};
}

/** The time of the flow, which may be a stored one; the current time if that is unknown. */
function timeOf(seconds: number, now: () => number): number {
	return seconds > 0 ? seconds : now();
}

function cookieOrigin({ request: { scheme, host, port, path } }: HttpFlow): CookieOrigin {
	return { scheme, host, port, path };
}
