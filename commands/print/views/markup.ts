// XML and HTML, an element a line, indented by depth.
import type { View } from "./view.ts";

const TYPE = /^(?:text\/html|(?:application|text)\/xml)$|\+xml$/;
const TOKENS = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[!?][^>]*>|<\/?[^\s>/][^>"']*(?:"[^"]*"[^>"']*|'[^']*'[^>"']*)*>|[^<]+|</g;
/** Elements that are never closed (HTML Living Standard, "void elements"). */
const VOID = new Set(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]);
/** Elements whose content is no markup or whose white space counts. */
const VERBATIM = new Set(["script", "style", "pre", "textarea"]);
const DEEPEST = 40;

export const markup: View = ({ type, text }) => {
	if (!TYPE.test(type) && !/^\s*<(?:\?xml|!doctype|html)\b/i.test(text().slice(0, 200))) return null;
	return indent(text(), !type.includes("xml") || type.includes("xhtml"));
};

function indent(source: string, isHtml: boolean): string {
	const lines: string[] = [];
	let depth = 0;
	let verbatim: string | null = null;
	for (const [token] of source.matchAll(TOKENS)) {
		const name = /^<\/?([^\s>/]+)/.exec(token)?.[1]?.toLowerCase() ?? "";
		const closes = token.startsWith("</");
		if (verbatim !== null) {
			lines[lines.length - 1] += token;
			if (closes && name === verbatim) {
				verbatim = null;
				depth--;
			}
			continue;
		}
		const content = token.trim();
		if (content === "") continue;
		if (closes) depth = Math.max(0, depth - 1);
		lines.push("  ".repeat(Math.min(depth, DEEPEST)) + content);
		if (closes || !/^<[^!?]/.test(token) || token.endsWith("/>") || (isHtml && VOID.has(name))) continue;
		depth++;
		if (isHtml && VERBATIM.has(name)) verbatim = name;
	}
	return lines.join("\n");
}
