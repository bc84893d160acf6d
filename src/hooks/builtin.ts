// THE ordered list of features. A feature is a line here, a file beside this one and a test of its own.
import { type ErrorDetail, FlowtapeError } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { options as anticache, createAnticache } from "./anticache.ts";
import { options as anticomp, createAnticomp } from "./anticomp.ts";
import { options as blockList, createBlockList } from "./block-list.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { createMapLocal, options as mapLocal } from "./map-local.ts";
import { createMapRemote, options as mapRemote } from "./map-remote.ts";
import { createModifyBody, options as modifyBody } from "./modify-body.ts";
import { createModifyHeaders, options as modifyHeaders } from "./modify-headers.ts";
import { createOnboarding, options as onboarding } from "./onboarding.ts";
import { options as passedHosts } from "./passthrough-hosts.ts";
import { createProxyAuth, options as proxyAuth } from "./proxy-auth.ts";
import { compileFilterLazily, options as ruleOptions } from "./rule.ts";
import { createServerReplay, options as serverReplay } from "./server-replay.ts";
import { createStickyAuth, options as stickyAuth } from "./sticky-auth.ts";
import { createStickyCookie, options as stickyCookie } from "./sticky-cookie.ts";
import { createUpstreamAuth, options as upstreamAuth } from "./upstream-auth.ts";

export const recordingOptions = {
	save_stream_filter: { type: "string", default: null, metavar: "FILTER", help: "Record only flows that match, looked at when they are complete." },
} as const satisfies OptionTable;

/** The options of features that work on stored flows too. */
export const storedHookOptions = {
	...modifyHeaders,
	...blockList,
	...anticache,
	...anticomp,
	...mapRemote,
	...mapLocal,
	...modifyBody,
	...stickyAuth,
	...stickyCookie,
	...ruleOptions,
} as const satisfies OptionTable;

/** The options of all features. */
export const hookOptions = {
	...proxyAuth,
	...onboarding,
	...passedHosts,
	...modifyHeaders,
	...blockList,
	...anticache,
	...anticomp,
	...serverReplay,
	...mapRemote,
	...mapLocal,
	...modifyBody,
	...stickyAuth,
	...stickyCookie,
	...upstreamAuth,
	...recordingOptions,
	...ruleOptions,
} as const satisfies OptionTable;

export type HookValues = OptionValues<typeof hookOptions>;

type Create = (values: HookValues, context: HookContext) => Hook | null | Promise<Hook | null>;

/**
 * In the order in which they see a request; the first verdict stands. Each with the option that errors are about.
 * Who may not pass is turned away first. Headers are changed before anything looks at them. Recordings are keyed by what scripts made of a
 * request, and what they do not answer is mapped. Cookies and credentials are added last, to what really goes to a server.
 */
const features: readonly ("scripts" | readonly [option: keyof HookValues, create: Create])[] = [
	["proxyauth", createProxyAuth],
	["onboarding", createOnboarding],
	["modify_headers", createModifyHeaders],
	["block_list", createBlockList],
	["anticache", createAnticache],
	["anticomp", createAnticomp],
	"scripts",
	["server_replay_extra", createServerReplay],
	["map_remote", createMapRemote],
	["map_local", createMapLocal],
	["modify_body", createModifyBody],
	["stickyauth", createStickyAuth],
	["stickycookie", createStickyCookie],
	["upstream_auth", createUpstreamAuth],
];

/**
 * The hooks whose options are set, in their order, for a `Pipeline`.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN: `option` names the one that is wrong
 */
export async function createHooks(values: HookValues, context: HookContext = {}): Promise<Hook[]> {
	const hooks: Hook[] = [];
	const given: HookContext = { ...context, caseSensitiveFilters: values.case_sensitive_filters };
	for (const feature of features) {
		if (feature === "scripts") hooks.push(...(context.scripts ?? []));
		else {
			const [option, create] = feature;
			const hook = await naming(option, () => create(values, given));
			if (hook !== null) hooks.push(hook);
		}
	}
	return hooks;
}

/** Which flows are recorded; null: all. */
export async function createRecordingFilter(values: Pick<HookValues, "save_stream_filter" | "case_sensitive_filters">): Promise<Filter | null> {
	const { save_stream_filter: pattern, case_sensitive_filters: caseSensitiveFilters } = values;
	return pattern === null ? null : naming("save_stream_filter", () => compileFilterLazily(pattern, { caseSensitiveFilters }));
}

function details({ file, offset, record, column, cause }: FlowtapeError): ErrorDetail {
	return Object.fromEntries(Object.entries({ file, offset, record, column, cause }).filter(([, value]) => value !== undefined));
}

/** The exit status of errors about what the user wrote, unlike those about what a file holds. */
const USAGE = 2;

/** Adds the option to an error about its value. */
async function naming<T>(option: string, make: () => T | Promise<T>): Promise<T> {
	try {
		return await make();
	} catch (error) {
		if (!(error instanceof FlowtapeError) || error.option !== undefined || error.status !== USAGE) throw error;
		throw new FlowtapeError(error.code, error.message, { ...details(error), option });
	}
}
