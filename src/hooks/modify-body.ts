// Replaces what a regular expression finds in the bodies of requests and responses, their content coding undone and applied again.

import type { PythonRegex } from "../filter/python-regex.ts";
import { type ByteString, isAscii } from "../flow/bytes.ts";
import { charsetOf, isUtf16 } from "../flow/charset.ts";
import { encodeCharset } from "../flow/charset-encode.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { HookContext } from "./context.ts";
import type { Hook } from "./hook.ts";
import { compileReplacement, compileValue, parseRules, type Rule } from "./rule.ts";

export const options = {
	modify_body: {
		type: "sequence",
		default: [],
		metavar: "/[FILTER/]REGEX/[@]REPLACEMENT",
		help: "Replace what a regular expression finds in bodies, with \\1 or \\g<name> for its groups; @ reads the replacement from a file. The first character is the separator.",
	},
} as const satisfies OptionTable;

/** Larger bodies are not searched, since strings have an end. Bytes. */
const LIMIT = 512 * 1024 * 1024 - 1024;

type Template = readonly (ByteString | number)[];

/** What goes in place of a match in a body of this charset; null: there is no such thing, which is logged. */
type Replacement = (charset: string, url: string) => Template | null;

/** Text of the command line, which is brought into the charset of the body; `\xHH` stays the byte that it names. */
function textReplacement({ text, value }: Rule, regex: PythonRegex, { log }: HookContext): Replacement {
	const inUtf8 = compileReplacement(value, regex);
	const isPlain = isAscii(value);
	const coded = new Map<string, Template | null>();
	return (charset, url) => {
		if (isPlain || /^utf-?8$/.test(charset)) return inUtf8;
		let template = coded.get(charset);
		if (template === undefined) {
			template = inCharset(value, regex, charset);
			coded.set(charset, template);
		}
		if (template === null) log?.("warning", `a body of ${url} is left as it is: it is in ${charset}, in which "${text}" cannot be written`);
		return template;
	};
}

function inCharset(value: string, regex: PythonRegex, charset: string): Template | null {
	let isWhole = true;
	const template = compileReplacement(value, regex, (text) => {
		const bytes = encodeCharset(text, charset);
		isWhole &&= bytes !== null;
		return bytes?.latin1Slice() ?? "";
	});
	return isWhole ? template : null;
}

/** What a file holds goes there as it is. */
function fileReplacement({ value }: Rule, context: HookContext): Replacement {
	const read = compileValue(value, context);
	return () => {
		const bytes = read();
		return bytes && [bytes.latin1Slice()];
	};
}

/** UTF-16 is searched as UTF-8: in its own bytes a pattern finds nothing, or half a character. The byte order mark stays. */
function utf16ToUtf8(content: Buffer, charset: string): Buffer | null {
	const text = decodeWhole(content, charset);
	return text === null ? null : Buffer.from(text);
}

function utf8ToUtf16(content: Buffer, charset: string): Buffer | null {
	const text = decodeWhole(content, "utf-8");
	return text === null ? null : encodeCharset(text, charset);
}

/** null where some of the bytes are not in this charset. */
function decodeWhole(content: Buffer, charset: string): string | null {
	try {
		return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(content);
	} catch {
		return null;
	}
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createModifyBody({ modify_body: texts }: OptionValues<typeof options>, context: HookContext): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { compilePythonRegex } = await import("../filter/python-regex.ts");
	const rules = (await parseRules(texts, context)).map((rule) => {
		const regex = compilePythonRegex(rule.subject, { kind: "bytes", dotAll: true });
		const replacement = rule.value.startsWith("@") ? fileReplacement(rule, context) : textReplacement(rule, regex, context);
		return { text: rule.text, matches: rule.matches, regex, replacement };
	});

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
		const { prettyUrl } = flow.request;
		for (const { text, matches, regex, replacement } of rules) {
			if (!matches(flow)) continue;
			const content = contentOf(flow, message);
			if (content === null) continue;
			const charset = charsetOf(content, message.headers.get("content-type")) ?? "utf-8";
			const searched = isUtf16(charset) ? utf16ToUtf8(content, charset) : content;
			if (searched === null) context.log?.("warning", `a body of ${prettyUrl} is left as it is: it is said to be in ${charset}, and is not`);
			if (searched === null || !regex.testBytes(searched)) continue;
			const template = replacement(searched === content ? charset : "utf-8", prettyUrl);
			if (template === null) continue;
			const replaced = Buffer.from(regex.replace(searched.latin1Slice(), template), "latin1");
			const changed = searched === content ? replaced : utf8ToUtf16(replaced, charset);
			if (changed === null) {
				context.log?.("warning", `a body of ${prettyUrl} is left as it is: it is in ${charset}, and what "${text}" puts there is not in UTF-8`);
				continue;
			}
			message.content = changed;
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
