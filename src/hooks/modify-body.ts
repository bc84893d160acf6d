// Replaces what a regular expression finds in the bodies of requests and responses, their content coding undone and applied again.
import type { HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileValue, parseRules } from "./rule.ts";

export const options = {
	modify_body: {
		type: "sequence",
		default: [],
		metavar: "/[FILTER/]REGEX/[@]REPLACEMENT",
		help: "Replace what a regular expression finds in bodies; @ reads the replacement from a file. The first character is the separator.",
	},
} as const satisfies OptionTable;

/** Larger bodies are not searched, since strings have an end. Bytes. */
const LIMIT = 512 * 1024 * 1024 - 1024;

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createModifyBody({ modify_body: texts }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { compilePythonRegex } = await import("../filter/python-regex.ts");
	const rules = (await parseRules(texts, context)).map(({ text, subject, value, matches }) => ({
		text,
		matches,
		regex: compilePythonRegex(subject, { kind: "bytes", dotAll: true }),
		read: compileValue(value, context),
	}));

	function contentOf(flow: HttpFlow, message: Message): Buffer | null {
		try {
			const { content } = message;
			if (content === null || content.length <= LIMIT) return content;
			context.log?.("warning", `a body of ${flow.request.prettyUrl} is left as it is: it has ${content.length} bytes, too many to search`);
		} catch (error) {
			context.log?.("warning", `a body of ${flow.request.prettyUrl} is left as it is: ${(error as Error).message}`);
		}
		return null;
	}

	/** Each rule works on what those before have made. */
	function modify(flow: HttpFlow, message: Message): void {
		for (const { text, matches, regex, read } of rules) {
			if (!matches(flow)) continue;
			const content = contentOf(flow, message);
			if (content === null || !regex.testBytes(content)) continue;
			const replacement = read();
			if (replacement === null) continue;
			message.content = Buffer.from(regex.replace(content.latin1Slice(), replacement.latin1Slice()), "latin1");
			context.onChange?.(text);
		}
	}

	return {
		name: "modify-body",
		needs: { request: true, response: true },
		request: (flow) => modify(flow, flow.request),
		response(flow) {
			if (flow.response !== null) modify(flow, flow.response);
		},
	};
}
