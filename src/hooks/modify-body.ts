// Replaces matches of a regular expression in request and response bodies, which are decoded and encoded again.
import { decodeBody } from "../flow/body.ts";
import { type ByteString, isAscii } from "../flow/bytes.ts";
import { charsetOf, isUtf16 } from "../flow/charset.ts";
import { encodeCharset } from "../flow/charset-encode.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { GrowingBytes } from "../flow/growing-bytes.ts";
import type { Message } from "../flow/message.ts";
import { runInSlices } from "../flow/scheduler.ts";
import { collectLargeBuffers } from "../flow/young-buffers.ts";
import type { MaybeAsync } from "../maybe-async.ts";
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
		help: "Replace regular expression matches in bodies. \\1 and \\g<name> are groups; @ reads the replacement from a file. The first character is the separator.",
	},
} as const satisfies OptionTable;

/** Larger bodies are not searched, because of V8's limit on strings. Bytes. */
const LIMIT = 512 * 1024 * 1024 - 1024;
/** As `LIMIT`, for live traffic. Bytes. */
const LIVE_LIMIT = 48 * 1024 * 1024;
/** Maximum size of a changed body in live traffic, and of any changed body with a content coding. Bytes. */
const RESULT_LIMIT = 64 * 1024 * 1024;
/** Content up to this size is searched without yielding to the event loop. Bytes. */
const SINGLE_STEP_BYTES = 1024 * 1024;

type Template = readonly (ByteString | number)[];

/** Returns the replacement of a match in a body with this charset; null: there is none, which is logged. */
type Replacement = (charset: string, url: string) => Template | null;

/** A replacement from the command line, encoded in the charset of the body; `\xHH` stays a single byte. */
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
		if (template === null)
			log?.("warning", `a body of ${url} is left as it is: its charset ${charset} cannot encode "${text}"`);
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

/** A replacement from a file, whose bytes are inserted unchanged. */
function fileReplacement({ value }: Rule, context: HookContext): Replacement {
	const read = compileValue(value, context);
	return () => {
		const bytes = read();
		return bytes && [bytes.latin1Slice()];
	};
}

/** UTF-16 is searched as UTF-8, since patterns would not match its bytes. The byte order mark is kept. */
function utf16ToUtf8(content: Buffer, charset: string): Buffer | null {
	const text = decodeWhole(content, charset);
	return text === null ? null : Buffer.from(text);
}

function utf8ToUtf16(content: Buffer, charset: string): Buffer | null {
	const text = decodeWhole(content, "utf-8");
	return text === null ? null : encodeCharset(text, charset);
}

/** null if some of the bytes are invalid in this charset. */
function decodeWhole(content: Buffer, charset: string): string | null {
	try {
		return new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(content);
	} catch {
		return null;
	}
}

/** @throws FlowtapeError FT_BAD_OPTION, FT_BAD_FILTER, FT_BAD_PATTERN */
export async function createModifyBody(
	{ modify_body: texts }: OptionValues<typeof options>,
	context: HookContext,
): Promise<Hook | null> {
	if (texts.length === 0) return null;
	const { compilePythonRegex } = await import("../regex/python-regex.ts");
	const rules = (await parseRules(texts, context)).map((rule) => {
		const regex = compilePythonRegex(rule.subject, { kind: "bytes", dotAll: true });
		const replacement = rule.value.startsWith("@")
			? fileReplacement(rule, context)
			: textReplacement(rule, regex, context);
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

	/**
	 * Applies the rules one after another. Yields between the steps of large live bodies; small and stored bodies are
	 * done in one step.
	 */
	function* modify(flow: HttpFlow, message: Message, isLive: boolean): Generator<undefined> {
		for (const { text, matches, regex, replacement } of rules) {
			if (!matches(flow)) continue;
			let content = isLive ? smallContent(message) : contentOf(flow, message, LIMIT);
			const takesTime = content === undefined;
			if (content === undefined) {
				yield;
				content = contentOf(flow, message, LIVE_LIMIT);
				yield;
				// the body before this one
				collectLargeBuffers();
			}
			if (content === null) continue;
			const charset = charsetOf(content, message.headers.get("content-type")) ?? "utf-8";
			const isWide = isUtf16(charset);
			let searched = isWide ? utf16ToUtf8(content, charset) : content;
			if (searched === null) leave(flow, `its charset is declared as ${charset}, but its bytes are not valid in it`);
			if (searched === null || !regex.testBytes(searched)) continue;
			const template = replacement(isWide ? "utf-8" : charset, flow.request.prettyUrl);
			if (template === null) continue;
			const parts = regex.replaceInParts(
				searched,
				template,
				isLive || message.headers.has("content-encoding") ? RESULT_LIMIT : undefined,
			);
			const size = searched.length;
			content = searched = null;
			const replaced = yield* joined(parts, size, takesTime);
			const changed = isWide ? utf8ToUtf16(replaced, charset) : replaced;
			if (changed === null) {
				leave(flow, `it is in ${charset}, and the replacement of "${text}" is not valid UTF-8`);
				continue;
			}
			message.content = changed;
			context.onChange?.(text);
			if (!takesTime) continue;
			// V8 drops the generator's dead variables when it pauses
			yield;
			collectLargeBuffers();
		}
	}

	function run(flow: HttpFlow, message: Message, { live }: Decision): MaybeAsync {
		const steps = modify(flow, message, live);
		if (steps.next().done !== true) return runInSlices(steps);
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

/**
 * Joins byte strings; yields after each if `takesTime`.
 * @param size the expected size of the result, in bytes
 */
function* joined(parts: Iterable<string>, size: number, takesTime: boolean): Generator<undefined, Buffer> {
	const all = new GrowingBytes(size);
	for (const part of parts) {
		all.append(part);
		if (!takesTime) continue;
		yield;
		// if the pattern needs the whole body as a string, its bytes are no longer needed
		if (all.length === part.length) collectLargeBuffers();
	}
	return all.bytes;
}

/** @throws FlowtapeError FT_BAD_BODY */
function contentWithin(message: Message, limit: number): Buffer | null {
	const raw = message.rawContent;
	return raw && decodeBody(raw, message.headers.get("content-encoding"), Math.min(limit, message.decodedLimit));
}

/** The content of a small body; null: there is none; undefined: it is large, or cannot be decoded. */
function smallContent(message: Message): Buffer | null | undefined {
	if ((message.bodySize ?? 0) > SINGLE_STEP_BYTES) return undefined;
	try {
		return contentWithin(message, SINGLE_STEP_BYTES);
	} catch {
		return undefined;
	}
}
