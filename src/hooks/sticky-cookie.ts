// Remembers the cookies that servers set, and sends them along with requests that have none.
import { CookieJar, type CookieOrigin } from "../flow/cookies.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { clock, type HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileFilterLazily } from "./rule.ts";

export const options = {
	stickycookie: { type: "string", default: null, metavar: "FILTER", help: "Add the cookies that servers set to later requests without any that match." },
} as const satisfies OptionTable;

/** @throws FlowtapeError FT_BAD_FILTER */
export async function createStickyCookie({ stickycookie: pattern }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (pattern === null) return null;
	const filter = await compileFilterLazily(pattern, context);
	const { now = clock } = context;
	const jar = new CookieJar();
	return {
		name: "sticky-cookie",
		needs: { request: filter.needs.has("requestBody") },
		request(flow) {
			const { headers } = flow.request;
			if (headers.has("cookie") || !filter.matches(flow)) return;
			const cookies = jar.cookiesFor(originOf(flow), timeOf(flow.request.timestampStart, now));
			if (cookies === null) return;
			flow.metadata.stickycookie = true;
			headers.add("cookie", cookies);
		},
		// whatever the filter: it is about who gets cookies
		response(flow) {
			const { request, response } = flow;
			if (response === null) return;
			const at = timeOf(response.timestampStart || request.timestampStart, now);
			for (const cookie of response.headers.getAll("set-cookie")) jar.store(cookie, originOf(flow), at);
		},
	};
}

/** Of stored flows their own time counts; today's where it is not known. */
function timeOf(seconds: number, now: () => number): number {
	return seconds > 0 ? seconds : now();
}

function originOf({ request: { scheme, host, port, path } }: HttpFlow): CookieOrigin {
	return { scheme, host, port, path };
}
