// Sends requests elsewhere: what a regular expression finds in a URL is replaced.
import { FlowtapeError } from "../errors.ts";
import { withoutFragment } from "../flow/url.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { parseRules } from "./rule.ts";

export const options = {
	map_remote: {
		type: "sequence",
		default: [],
		metavar: "/[FILTER/]REGEX/REPLACEMENT",
		help: "Replace what a regular expression finds in URLs, with \\1 for its groups, and send the request there. The first character is the separator.",
	},
} as const satisfies OptionTable;

/** A URL that can go on the request line as it is, to a server that HTTP can reach. */
const SENDABLE = /^https?:\/\/[!-~]+$/i;

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createMapRemote({ map_remote: texts }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	const parsed = await parseRules(texts, context);
	const rules = parsed.map(({ text, subject, value, matches }) => {
		const regex = compilePythonRegex(subject, { kind: "text" });
		return { text, matches, regex, template: regex.template(value) };
	});
	return {
		name: "map-remote",
		needs: { request: parsed.some((rule) => rule.needsRequestBody) },
		/** Each rule sees the URL as those before have left it. */
		request(flow) {
			const { request } = flow;
			for (const { text, matches, regex, template } of rules) {
				if (!matches(flow)) continue;
				const whole = request.prettyUrl;
				const old = withoutFragment(whole);
				const url = regex.replace(old, template);
				if (url === old) continue;
				try {
					if (!SENDABLE.test(url)) throw new FlowtapeError("FT_BAD_OPTION", `"${url}" is no URL that a request can be sent to`);
					request.url = url.includes("#") ? url : url + whole.slice(old.length);
					context.onChange?.(text);
				} catch (error) {
					context.log?.("warning", `${whole} is left as it is: ${(error as Error).message}`);
				}
			}
		},
	};
}
