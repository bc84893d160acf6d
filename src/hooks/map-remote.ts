// Redirects requests: replaces matches of a regular expression in their URLs.
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
		help: "Replace regular expression matches in URLs, and send the request to the new URL. \\1 is the first group. The first character is the separator.",
	},
} as const satisfies OptionTable;

/** A URL that can be sent unescaped in a request line, with a scheme of HTTP. */
const SENDABLE = /^https?:\/\/[!-~]+$/i;

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createMapRemote(
	{ map_remote: texts }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	const parsed = await parseRules(texts, context);
	const rules = parsed.map(({ text, subject, value, matches }) => {
		const regex = compilePythonRegex(subject, { kind: "text" });
		return { text, matches, regex, template: regex.template(value) };
	});
	return {
		name: "map-remote",
		needs: { request: parsed.some((rule) => rule.needsRequestBody) && "decides" },
		/** Applies the rules one after another: each sees the URL that the previous ones have changed. */
		request(flow) {
			const { request } = flow;
			for (const { text, matches, regex, template } of rules) {
				if (!matches(flow)) continue;
				const whole = request.prettyUrl;
				const old = withoutFragment(whole);
				const url = regex.replace(old, template);
				if (url === old) continue;
				try {
					if (!SENDABLE.test(url))
						throw new FlowtapeError("FT_BAD_OPTION", `"${url}" is not a valid http or https URL`);
					request.url = url.includes("#") ? url : url + whole.slice(old.length);
					context.onChange?.(text);
				} catch (error) {
					context.log?.("warning", `${whole} is left as it is: ${(error as Error).message}`);
				}
			}
		},
	};
}
