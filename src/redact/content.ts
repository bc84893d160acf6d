// Redacts the decoded content of a body or message by its media type.
import type { ByteString } from "../flow/bytes.ts";
import { isJsonType, parseMediaType } from "../flow/content-type.ts";
import { partName, URL_ENCODED } from "../flow/form.ts";
import { boundaryOf } from "../flow/multipart.ts";
import { hasControlCharacters } from "./control-characters.ts";
import { redactJson } from "./json.ts";
import { redactWholeJson } from "./json-search.ts";
import { markupEdits } from "./markup.ts";
import { secretKind } from "./names.ts";
import { PAIRS } from "./nested.ts";
import { replaceParts } from "./parts.ts";
import { applyEdits, type Redaction } from "./redaction.ts";
import { redactPairs } from "./url.ts";

/** Types of binary data, in which only known secrets are replaced, by as many bytes. */
const BINARY =
	/^(?:image\/(?!svg)|audio\/|video\/|font\/)|octet-stream|protobuf|grpc|msgpack|\bcbor\b|\bzip\b|gzip|pdf|wasm|woff/;

/** A body of another type is binary if its beginning has control characters. Bytes. */
export const BINARY_HEAD = 1024;

/** Lines that are JSON: JSON lines, server-sent events, and text sequences (RFC 7464). */
export const LINES = /ndjson|json-?lines|jsonl|x-jsonl|event-stream|json-seq/;

/** Begins each text of a JSON text sequence. */
const RECORD_SEPARATOR = "\u001e";

const PART_TYPE = /^content-type:\s*([^\r\n]*)/im;

/** The media type of a part, by its header fields. */
export function partType(head: ByteString): string | null {
	return PART_TYPE.exec(head)?.[1] ?? null;
}

/** Parts in parts; deeper ones are read as text. */
export const PARTS_LIMIT = 3;

/** Redacts content in UTF-8 or another charset that contains ASCII. Equal text: nothing was found. */
export function redactContent(
	text: ByteString,
	contentType: string | null,
	redaction: Redaction,
	depth = 0,
	parts = 0,
): ByteString {
	const { essence } = parseMediaType(contentType);
	const boundary = boundaryOf(contentType);
	if (boundary !== null && parts < PARTS_LIMIT) return redactParts(text, boundary, redaction, depth, parts);
	if (essence === URL_ENCODED || (essence === "" && PAIRS.test(text)))
		return redactPairs(text, redaction, "form", depth);
	if (LINES.test(essence)) return redactLines(text, redaction, depth);
	// an empty type, or a wrong one: JSON is known by its first byte
	if (isJsonType(essence) || /^\s{0,64}[[{]/.test(text)) {
		const redacted = redactWholeJson(text, redaction, depth);
		if (redacted !== null) return redacted;
	}
	const wrapped = redactWrapped(text, redaction, depth);
	if (wrapped !== null) return wrapped;
	if (isBinary(essence, text)) return redaction.known.replaceInPlace(text);
	if (/html|xml|svg/.test(essence) || /^\s{0,64}</.test(text)) {
		const edits = markupEdits(text, redaction);
		return redaction.text(applyEdits(text, edits), "text", "", true);
	}
	return redaction.text(text, "text", "", true);
}

/**
 * Text that can stand before JSON: guards against its use as a script, such as `)]}'` and `for(;;);`, the function of
 * JSONP, the numbers of Socket.IO, and the letter of SockJS.
 */
export const BEFORE_JSON =
	/^\s{0,64}(?:\)\]\}'?,?\s{0,4}|(?:while ?\(1\)|for ?\(;;\));\s{0,4}|(?:\/\*\*\/ ?)?[\w.$]{1,100}\(\s{0,4}|\d{1,6}(?:\/[^,]{0,100},\d{0,9})?|a(?=\["))(?=[[{])/;
/** Ends JSONP. */
const AFTER_JSON = /\s{0,8}\)\s{0,8};?\s{0,8}$/;

/** Redacts JSON with something before it; null: the text is no such JSON. */
function redactWrapped(text: ByteString, redaction: Redaction, depth: number): ByteString | null {
	const head = BEFORE_JSON.exec(text)?.[0];
	if (head === undefined) return null;
	const end = head.trimEnd().endsWith("(") ? (AFTER_JSON.exec(text.slice(-32))?.[0] ?? "") : "";
	const redacted = redactWholeJson(text.slice(head.length, text.length - end.length), redaction, depth);
	return redacted === null ? null : head + redacted + end;
}

/** Whether content is binary, by its media type and its beginning. */
export function isBinary(essence: string, text: ByteString): boolean {
	return BINARY.test(essence) || hasControlCharacters(text, BINARY_HEAD);
}

/** Redacts JSON lines, or events, one by one. */
export function redactLines(text: ByteString, redaction: Redaction, depth = 0): ByteString {
	const redact = (line: ByteString) => (line === "" ? line : redactLine(line, redaction, depth));
	return replaceParts(text, "\n", (line) => (line.includes("\r") ? replaceParts(line, "\r", redact) : redact(line)));
}

/** A line, with the `data:` of an event before it or not. */
function redactLine(line: ByteString, redaction: Redaction, depth: number): ByteString {
	const head = line.startsWith(RECORD_SEPARATOR) ? RECORD_SEPARATOR : (/^data: ?/.exec(line)?.[0] ?? "");
	const rest = line.slice(head.length);
	const redacted = /^\s*[[{]/.test(rest) ? redactJson(rest, redaction, depth) : null;
	return head + (redacted ?? redaction.text(rest, "text", "", true));
}

/** The parts of a multipart body, each by its name and type. The text between them stays. */
export function redactParts(
	body: ByteString,
	boundary: ByteString,
	redaction: Redaction,
	depth: number,
	parts: number,
): ByteString {
	return replaceParts(body, `--${boundary}`, (part, number) => {
		const blank = /\r?\n\r?\n/.exec(part);
		if (number === 0 || blank === null) return part;
		const from = blank.index + blank[0].length;
		const head = part.slice(0, from);
		const end = part.endsWith("\r\n") ? 2 : part.endsWith("\n") ? 1 : 0;
		const content = part.slice(from, part.length - end);
		return head + redactPart(head, content, redaction, depth, parts) + part.slice(part.length - end);
	});
}

function redactPart(head: ByteString, content: ByteString, redaction: Redaction, depth: number, parts: number) {
	const name = partName(head) ?? "";
	if (redaction.rules.params?.(name)) return redaction.secret(content, "param", "own.param", "form", name);
	const kind = secretKind(name);
	const named = kind === null ? null : redaction.named(content, kind, "form", name);
	const replaced = named ?? redaction.personal(content, name, "form");
	if (replaced !== null) return replaced;
	const coding = /^content-transfer-encoding:\s*base64/im.test(head);
	const decoded = coding ? Buffer.from(content, "base64").latin1Slice() : content;
	const redacted = redactContent(decoded, partType(head), redaction, depth, parts + 1);
	if (redacted === decoded) return content;
	return coding
		? Buffer.from(redacted, "latin1")
				.toString("base64")
				.replace(/.{76}(?=.)/g, "$&\r\n")
		: redacted;
}
