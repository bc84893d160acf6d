// View of XML and HTML: one element per line, indented by depth.
import type { View } from "./view.ts";

const TYPE = /^(?:text\/html|(?:application|text)\/xml)$|\+xml$/;
/** Elements without an end tag (HTML Living Standard, "void elements"). */
const VOID = new Set([
	"area",
	"base",
	"br",
	"col",
	"embed",
	"hr",
	"img",
	"input",
	"link",
	"meta",
	"source",
	"track",
	"wbr",
]);
/** Elements whose content is not markup or whose white space is significant, each with the beginning of its end tag. */
const VERBATIM: ReadonlyMap<string, RegExp> = new Map(
	["script", "style", "pre", "textarea"].map((name) => [name, new RegExp(`</${name}`, "gi")]),
);
const MAX_DEPTH = 40;

export const markup: View = ({ type, text }) => {
	if (!TYPE.test(type) && !/^\s*<(?:\?xml|!doctype|html)\b/i.test(text().slice(0, 200))) return null;
	return indent(text(), !type.includes("xml") || type.includes("xhtml"));
};

function indent(source: string, isHtml: boolean): string {
	const lines: string[] = [];
	let depth = 0;
	let end = 0;
	for (let at = 0; at < source.length; at = end) {
		end = tokenEnd(source, at);
		const token = source.slice(at, end).trim();
		if (token === "") continue;
		const name = /^<\/?([^\s>/]+)/.exec(token)?.[1]?.toLowerCase() ?? "";
		const closes = token.startsWith("</");
		if (closes) depth = Math.max(0, depth - 1);
		let line = "  ".repeat(Math.min(depth, MAX_DEPTH)) + token;
		const opens = /^<[^!?/\s]/.test(token) && !token.endsWith("/>") && !(isHtml && VOID.has(name));
		const endTag = opens && isHtml ? VERBATIM.get(name) : undefined;
		if (endTag !== undefined) {
			const from = end;
			end = verbatimEnd(source, endTag, from);
			line += source.slice(from, end);
		} else if (opens) depth++;
		lines.push(line);
	}
	return lines.join("\n");
}

/** Index after the comment, CDATA section, declaration, tag or text that begins at `at`. */
function tokenEnd(source: string, at: number): number {
	if (source[at] !== "<") return indexOrEnd(source, "<", at);
	if (source.startsWith("<!--", at)) return indexAfter(source, "-->", at + 2);
	if (source.startsWith("<![CDATA[", at)) return indexAfter(source, "]]>", at);
	if (/[!?]/.test(source.charAt(at + 1))) return indexAfter(source, ">", at);
	return /^<\/?[^\s>/]/.test(source.slice(at, at + 3)) ? tagEnd(source, at) : at + 1;
}

/** Index after a tag. A `>` in quotes does not end it, unless the quotes are not closed. */
function tagEnd(source: string, from: number): number {
	const marks = /[>"']/g;
	marks.lastIndex = from;
	for (let mark = marks.exec(source); mark !== null; mark = marks.exec(source)) {
		if (mark[0] === ">") return marks.lastIndex;
		const close = source.indexOf(mark[0], marks.lastIndex);
		if (close === -1) break;
		marks.lastIndex = close + 1;
	}
	return indexAfter(source, ">", from);
}

/** Index after the end tag of a verbatim element. */
function verbatimEnd(source: string, endTag: RegExp, from: number): number {
	endTag.lastIndex = from;
	const start = endTag.exec(source)?.index;
	return start === undefined ? source.length : indexAfter(source, ">", start);
}

/** Index of a text at or after `from`; without it, the end of the source. */
function indexOrEnd(source: string, text: string, from: number): number {
	const found = source.indexOf(text, from);
	return found === -1 ? source.length : found;
}

function indexAfter(source: string, text: string, from: number): number {
	return Math.min(indexOrEnd(source, text, from) + text.length, source.length);
}
