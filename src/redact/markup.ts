// Secrets in HTML and XML: attributes and elements whose name means a secret, and the values of form fields.
import type { ByteString } from "../flow/bytes.ts";
import { redactJson } from "./json.ts";
import { secretKind } from "./names.ts";
import type { Redaction, TextEdit } from "./redaction.ts";

/** A longer tag is not read. Bytes. */
const TAG_LIMIT = 16 * 1024;

/** A start tag: `text.slice(from, to)` are its attributes. */
interface Tag {
	readonly element: string;
	readonly from: number;
	readonly to: number;
}

/** The start tags of a text, in linear time whatever the text is. */
function* tagsOf(text: ByteString): Generator<Tag> {
	for (let at = text.indexOf("<"); at >= 0; at = text.indexOf("<", at)) {
		const element = ELEMENT.exec(text.slice(at + 1, at + 101))?.[0];
		const from = at + 1 + (element?.length ?? 0);
		const to = element === undefined ? null : tagEnd(text, from);
		if (element === undefined) at++;
		else if (to === null) at = from + TAG_LIMIT;
		else {
			if (text[to] === ">") yield { element, from, to };
			at = to;
		}
	}
}

const ELEMENT = /^[A-Za-z][\w:.-]*/;

/** The index of the `>` that ends a tag, or of a `<` that shows that it is not a tag; null: it is too long. */
function tagEnd(text: ByteString, from: number): number | null {
	const limit = Math.min(from + TAG_LIMIT, text.length);
	for (let at = from; at < limit; at++) {
		const character = text[at];
		if (character === ">" || character === "<") return at;
		if (character !== '"' && character !== "'") continue;
		at = text.indexOf(character, at + 1);
		if (at < 0) return null;
	}
	return null;
}

/** Minified pages have values without quotes. */
const ATTRIBUTE = /([\w:.-]{1,100})\s{0,10}=\s{0,10}(?:"([^"]*)"|'([^']*)'|([^\s"'`=<>]{1,4096}))/g;
/** The text of an element without child elements, and its end tag. */
const TEXT = /(?:<!\[CDATA\[([^<\]]{1,8000})\]\]>|([^<]{1,8000}))<\/\s*([\w:.-]{1,100})\s*>/y;
/** Behind an element with a name, the value in the next ones: `<key>password</key><string>…`, `<name>…</name><value>…`. */
const NAMED_TEXT = /<\/[\w:.-]{1,100}>\s{0,100}(?:<[\w:.-]{1,100}>\s{0,100}){1,3}([^<\s][^<]{0,8000})<\//y;

/** The replacements in a text, in order. */
export function markupEdits(text: ByteString, redaction: Redaction): TextEdit[] {
	const edits: TextEdit[] = [];
	/** The end of the last script with data: there are no tags before. */
	let dataEnd = 0;
	for (const { element, from, to } of tagsOf(text)) {
		const attributes = text.slice(from, to);
		if (to > from) edits.push(...attributeEdits(attributes, from, redaction));
		if (to >= dataEnd && SCRIPT.test(element) && JSON_TYPE.test(attributes)) {
			const close = text.indexOf("</", to);
			dataEnd = close < 0 ? text.length : close;
			edits.push(...dataEdits(text, to + 1, dataEnd, redaction));
		}
		const name = localName(element);
		const kind = secretKind(name);
		const isName = name === "key" || name === "name";
		if (kind === null && !isName && !redaction.rules.pii) continue;
		TEXT.lastIndex = to + 1;
		const match = TEXT.exec(text);
		const [, data, plain, end] = match ?? [];
		const content = data ?? plain;
		if (content === undefined || end !== element) continue;
		if (isName) edits.push(...namedEdits(text, TEXT.lastIndex - end.length - 3, content.trim(), redaction));
		const value = content.trim();
		pushEdit(
			edits,
			value,
			text.indexOf(value, to + 1),
			replacementOf(unescapeMarkup(value), kind, name, element, redaction),
		);
	}
	return edits;
}

/**
 * The value behind an element that has its name.
 * @param from where the end tag of that element begins
 */
function namedEdits(text: ByteString, from: number, name: string, redaction: Redaction): TextEdit[] {
	const kind = secretKind(name);
	if (kind === null) return [];
	NAMED_TEXT.lastIndex = from;
	const value = NAMED_TEXT.exec(text)?.[1]?.trimEnd();
	if (value === undefined) return [];
	const edits: TextEdit[] = [];
	const at = text.indexOf(value, from);
	pushEdit(edits, value, at, replacementOf(unescapeMarkup(value), kind, name, name, redaction));
	return edits;
}

/** The JSON of a script element, which pages have for their scripts. */
function dataEdits(text: ByteString, from: number, to: number, redaction: Redaction): TextEdit[] {
	const data = text.slice(from, to);
	const redacted = redactJson(data, redaction, 0);
	return redacted === null || redacted === data ? [] : [{ from, to, text: redacted }];
}

const SCRIPT = /^script$/i;
const JSON_TYPE = /\btype\s{0,4}=\s{0,4}["']?application\/(?:[\w.-]{1,40}\+)?json\b/i;

function attributeEdits(attributes: ByteString, from: number, redaction: Redaction): TextEdit[] {
	const found = [...attributes.matchAll(ATTRIBUTE)].map((match) => {
		const [whole, name = "", double, single, bare] = match;
		const value = double ?? single ?? bare ?? "";
		const quote = bare === undefined ? 1 : 0;
		return { name: name.toLowerCase(), value, at: from + match.index + whole.length - quote - value.length };
	});
	const valueUnder = (name: string) => found.find((one) => one.name === name)?.value;
	// `<input name="csrf_token" value="…">`, `<meta name="csrf-token" content="…">`, `<add key="password" value="…">`
	const named = valueUnder("name") ?? valueUnder("key") ?? valueUnder("property") ?? "";
	const isPassword = valueUnder("type")?.toLowerCase() === "password";
	const edits: TextEdit[] = [];
	for (const { name, value, at } of found) {
		const isValue = name === "value" || name === "content";
		const kind = isValue ? (isPassword ? "password" : secretKind(named)) : secretKind(localName(name));
		if (value === "" || (kind === null && !redaction.rules.pii)) continue;
		const place = isValue ? named || "input" : name;
		pushEdit(edits, value, at, replacementOf(unescapeMarkup(value), kind, place, place, redaction));
	}
	return edits;
}

function replacementOf(
	value: ByteString,
	kind: ReturnType<typeof secretKind>,
	name: string,
	place: string,
	redaction: Redaction,
): ByteString | null {
	return kind === null
		? redaction.personal(value, name, "markup", place)
		: redaction.named(value, kind, "markup", place);
}

/** A placeholder needs no escapes. */
function pushEdit(edits: TextEdit[], old: ByteString, from: number, replaced: ByteString | null): void {
	if (replaced !== null && replaced !== unescapeMarkup(old))
		edits.push({ from, to: from + old.length, text: replaced });
}

/** Without the prefix of its namespace, and without `data-`. */
function localName(name: string): string {
	return name.slice(name.lastIndexOf(":") + 1).replace(/^data-/, "");
}

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeMarkup(text: ByteString): ByteString {
	if (!text.includes("&")) return text;
	return text.replace(/&(?:#(\d{1,3})|#x([0-9a-f]{1,2})|(amp|lt|gt|quot|apos));/gi, (_whole, decimal, hex, name) =>
		name !== undefined
			? (NAMED[name.toLowerCase()] as string)
			: String.fromCharCode((decimal !== undefined ? Number(decimal) : Number.parseInt(hex, 16)) & 0xff),
	);
}
