// The ordered list of features. Each feature is a line here, a file in this folder and a test.
import { withOption } from "../errors.ts";
import type { Filter } from "../filter/filter.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import { options as anticache, createAnticache } from "./anticache.ts";
import { options as anticomp, createAnticomp } from "./anticomp.ts";
import { options as blockList, createBlockList } from "./block-list.ts";
import { options as browserNoise, createBrowserNoise } from "./browser-noise.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { createMapLocal, options as mapLocal } from "./map-local.ts";
import { createMapRemote, options as mapRemote } from "./map-remote.ts";
import { createModifyBody, options as modifyBody } from "./modify-body.ts";
import { createModifyHeaders, options as modifyHeaders } from "./modify-headers.ts";
import { createOnboarding, options as onboarding } from "./onboarding.ts";
import { options as passthroughHosts } from "./passthrough-hosts.ts";
import { createProxyAuth, options as proxyAuth } from "./proxy-auth.ts";
import { compileFilterLazily, options as ruleOptions } from "./rule.ts";
import { createServerReplay, options as serverReplay } from "./server-replay.ts";
import { createStickyAuth, options as stickyAuth } from "./sticky-auth.ts";
import { createStickyCookie, options as stickyCookie } from "./sticky-cookie.ts";
import { createUpstreamAuth, options as upstreamAuth } from "./upstream-auth.ts";

const recordingOptions = {
	save_stream_filter: {
		type: "string",
		default: null,
		metavar: "FILTER",
		help: "Record only matching flows; the filter is applied when a flow is complete.",
	},
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
	...browserNoise,
	...passthroughHosts,
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
 * The features in the order in which they see a request, each with the option to name in errors; the first decision
 * counts. Proxy authentication comes first. Headers are modified before other features read them. Scripts run before
 * recordings are looked up, and requests without a recording are mapped afterwards. Cookies and credentials are added
 * last, to requests that go to a server.
 */
const features: readonly ("scripts" | readonly [option: keyof HookValues, create: Create])[] = [
	["proxyauth", createProxyAuth],
	["onboarding", createOnboarding],
	["browser_noise", createBrowserNoise],
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
 * The hooks whose options are set, in order, for a `Pipeline`.
 * @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN, with the invalid `option`
 */
export async function createHooks(values: HookValues, context: HookContext = {}): Promise<Hook[]> {
	const hooks: Hook[] = [];
	const given: HookContext = { ...context, caseSensitiveFilters: values.case_sensitive_filters };
	for (const feature of features) {
		if (feature === "scripts") hooks.push(...(context.scripts ?? []));
		else {
			const [option, create] = feature;
			const { onChange } = context;
			const named = onChange && { ...given, onChange: (rule: string) => onChange(rule, option) };
			const hook = await withOptionName(option, () => create(values, named ?? given));
			if (hook !== null) hooks.push(hook);
		}
	}
	return hooks;
}

/** The filter of flows to record; null: all. */
export async function createRecordingFilter(
	values: Pick<HookValues, "save_stream_filter" | "case_sensitive_filters">,
): Promise<Filter | null> {
	const { save_stream_filter: pattern, case_sensitive_filters: caseSensitiveFilters } = values;
	return pattern === null
		? null
		: withOptionName("save_stream_filter", () => compileFilterLazily(pattern, { caseSensitiveFilters }));
}

/** Adds the option to an error about its value. */
async function withOptionName<T>(option: string, make: () => T | Promise<T>): Promise<T> {
	try {
		return await make();
	} catch (error) {
		throw withOption(error, option);
	}
}
