// View of XML and HTML: one element per line, indented by depth.
import type { View } from "./view.ts";

const TYPE = /^(?:text\/html|(?:application|text)\/xml)$|\+xml$/;
const TOKENS =
	/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[!?][^>]*>|<\/?[^\s>/][^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>|[^<]+|</g;
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
/** Elements whose content is not markup or whose white space is significant. */
const VERBATIM = new Set(["script", "style", "pre", "textarea"]);
const MAX_DEPTH = 40;

export const markup: View = ({ type, text }) => {
	if (!TYPE.test(type) && !/^\s*<(?:\?xml|!doctype|html)\b/i.test(text().slice(0, 200))) return null;
	return indent(text(), !type.includes("xml") || type.includes("xhtml"));
};

function indent(source: string, isHtml: boolean): string {
	const lines: string[] = [];
	const tokens = new RegExp(TOKENS);
	let depth = 0;
	for (let match = tokens.exec(source); match !== null; match = tokens.exec(source)) {
		const token = match[0].trim();
		if (token === "") continue;
		const name = /^<\/?([^\s>/]+)/.exec(token)?.[1]?.toLowerCase() ?? "";
		const closes = token.startsWith("</");
		if (closes) depth = Math.max(0, depth - 1);
		let line = "  ".repeat(Math.min(depth, MAX_DEPTH)) + token;
		const opens = /^<[^!?/\s]/.test(token) && !token.endsWith("/>") && !(isHtml && VOID.has(name));
		if (opens && isHtml && VERBATIM.has(name)) {
			const end = endOf(source, name, tokens.lastIndex);
			line += source.slice(tokens.lastIndex, end);
			tokens.lastIndex = end;
		} else if (opens) depth++;
		lines.push(line);
	}
	return lines.join("\n");
}

/** Index after the end tag of a verbatim element. */
function endOf(source: string, name: string, from: number): number {
	const start = source.toLowerCase().indexOf(`</${name}`, from);
	const end = start === -1 ? -1 : source.indexOf(">", start);
	return end === -1 ? source.length : end + 1;
}
