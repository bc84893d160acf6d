// Replaces what a regular expression finds in the bodies of requests and responses, their content coding undone and applied again.

import { decodeBody } from "../flow/body.ts";
import { type ByteString, isAscii } from "../flow/bytes.ts";
import { charsetOf, isUtf16 } from "../flow/charset.ts";
import { encodeCharset } from "../flow/charset-encode.ts";
import type { HttpFlow } from "../flow/flow.ts";
import type { Message } from "../flow/message.ts";
import { inSteps } from "../flow/turns.ts";
import { freeLarge } from "../flow/young-buffers.ts";
import type { OptionTable, OptionValues } from "../options.ts";
import type { PythonRegex } from "../regex/python-regex.ts";
import type { HookContext } from "./context.ts";
import type { Decision } from "./decision.ts";
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
/** As `LIMIT`, while others wait for their answers. */
const LIVE_LIMIT = 48 * 1024 * 1024;
/** What becomes of them. Bytes. */
const LIVE_RESULT_LIMIT = 64 * 1024 * 1024;
/** Content up to this size is searched without giving others their turn. Bytes. */
const AT_ONCE = 1024 * 1024;

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
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	const rules = (await parseRules(texts, context)).map((rule) => {
		const regex = compilePythonRegex(rule.subject, { kind: "bytes", dotAll: true });
		const replacement = rule.value.startsWith("@") ? fileReplacement(rule, context) : textReplacement(rule, regex, context);
		return { text: rule.text, matches: rule.matches, regex, replacement };
	});

	function leave(flow: HttpFlow, why: string): void {
		context.log?.("warning", `a body of ${flow.request.prettyUrl} is left as it is: ${why}`);
	}

	function contentOf(flow: HttpFlow, message: Message, limit: number): Buffer | null {
		try {
			const size = message.bodySize ?? 0;
			if (size <= limit) return contentWithin(message, limit);
			leave(flow, `it has ${size} bytes, too many to search`);
		} catch (error) {
			leave(flow, (error as Error).message);
		}
		return null;
	}

	/** Each rule works on what those before have made. Small bodies, and stored ones, take one step. */
	function* modify(flow: HttpFlow, message: Message, isLive: boolean): Generator<undefined> {
		for (const { text, matches, regex, replacement } of rules) {
			if (!matches(flow)) continue;
			let content = isLive ? smallContent(message) : contentOf(flow, message, LIMIT);
			const takesTime = content === undefined;
			if (content === undefined) {
				yield;
				content = contentOf(flow, message, LIVE_LIMIT);
				yield;
			}
			if (content === null) continue;
			const charset = charsetOf(content, message.headers.get("content-type")) ?? "utf-8";
			const isWide = isUtf16(charset);
			let searched = isWide ? utf16ToUtf8(content, charset) : content;
			if (searched === null) leave(flow, `it is said to be in ${charset}, and is not`);
			if (searched === null || !regex.testBytes(searched)) continue;
			const template = replacement(isWide ? "utf-8" : charset, flow.request.prettyUrl);
			if (template === null) continue;
			const parts = regex.replacing(searched.latin1Slice(), template, isLive ? LIVE_RESULT_LIMIT : undefined);
			content = searched = null;
			const replaced = yield* joined(parts, takesTime);
			const changed = isWide ? utf8ToUtf16(replaced, charset) : replaced;
			if (changed === null) {
				leave(flow, `it is in ${charset}, and what "${text}" puts there is not in UTF-8`);
				continue;
			}
			message.content = changed;
			if (takesTime) freeLarge();
			context.onChange?.(text);
		}
	}

	function run(flow: HttpFlow, message: Message, { live }: Decision): void | Promise<void> {
		const steps = modify(flow, message, live);
		if (steps.next().done !== true) return inSteps(steps);
	}

	return {
		name: "modify-body",
		needs: { request: true, response: true },
		request: (flow, decision) => run(flow, flow.request, decision),
		response(flow, decision) {
			if (flow.response !== null) return run(flow, flow.response, decision);
		},
	};
}

/** Byte strings as bytes, a step each where that takes its time. */
function* joined(parts: Iterable<string>, takesTime: boolean): Generator<undefined, Buffer> {
	const all: Buffer[] = [];
	if (takesTime) freeLarge();
	for (const part of parts) {
		all.push(Buffer.from(part, "latin1"));
		if (takesTime) yield;
	}
	if (takesTime) freeLarge();
	return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all);
}

/** @throws FlowtapeError FT_BAD_BODY */
function contentWithin(message: Message, limit: number): Buffer | null {
	const raw = message.rawContent;
	return raw && decodeBody(raw, message.headers.get("content-encoding"), Math.min(limit, message.decodedLimit));
}

/** Content that is searched at once; null: there is none, undefined: it is large, or cannot be decoded. */
function smallContent(message: Message): Buffer | null | undefined {
	if ((message.bodySize ?? 0) > AT_ONCE) return undefined;
	try {
		return contentWithin(message, AT_ONCE);
	} catch {
		return undefined;
	}
}
