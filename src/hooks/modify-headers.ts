// Sets and removes header fields of requests and responses.
import { FlowtapeError } from "../errors.ts";
import type { ByteString } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Headers } from "../flow/headers.ts";
import { isOneLine, isToken } from "../flow/sendable.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileValue, parseRules, type ReadValue, type Rule, unescapeLiteral } from "./rule.ts";

export const options = {
	modify_headers: {
		type: "sequence",
		default: [],
		metavar: "/[FILTER/]NAME/[@]VALUE",
		help: "Set a header, or remove it with an empty value; @ reads the value from a file. The first character is the separator.",
	},
} as const satisfies OptionTable;

interface HeaderRule {
	readonly text: string;
	readonly matches: Rule["matches"];
	readonly name: ByteString;
	readonly read: ReadValue;
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER */
export async function createModifyHeaders(
	{ modify_headers: texts }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const rules = (await parseRules(texts, context)).map((rule) => compile(rule, context));

	/** The current value of a rule; null if it cannot be sent, which is logged. */
	function currentValue({ name, read }: HeaderRule): ByteString | null {
		const value = read()?.latin1Slice().trim() ?? null;
		if (value === null || isOneLine(value)) return value;
		context.log?.("warning", `the header ${name} is left as it is: expected a value without line breaks`);
		return null;
	}

	/**
	 * The filters of all rules see the original message. Then the headers of all matching rules are removed, and the new
	 * ones are added.
	 */
	function modify(flow: HttpFlow, headers: Headers): void {
		const changes: [name: ByteString, value: ByteString][] = [];
		for (const rule of rules) {
			const value = rule.matches(flow) ? currentValue(rule) : null;
			if (value === null || (value === "" && !headers.has(rule.name))) continue;
			changes.push([rule.name, value]);
			context.onChange?.(rule.text);
		}
		for (const [name] of changes) headers.delete(name);
		for (const [name, value] of changes) if (value !== "") headers.fields.push(name, value);
	}

	return {
		name: "modify-headers",
		requestheaders: (flow) => modify(flow, flow.request.headers),
		responseheaders(flow) {
			if (flow.response !== null) modify(flow, flow.response.headers);
		},
	};
}

function compile({ text, subject, value, matches }: Rule, context: HookContext): HeaderRule {
	const name = unescapeLiteral(subject);
	if (!isToken(name))
		throw new FlowtapeError("FT_BAD_OPTION", `"${text}": expected the name of a header, not "${subject}"`);
	if (!value.startsWith("@") && !isOneLine(unescapeLiteral(value)))
		throw new FlowtapeError("FT_BAD_OPTION", `"${text}": the value of a header cannot contain line breaks or NUL`);
	return { text, matches, name, read: compileValue(value, context) };
}
