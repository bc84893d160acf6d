// View of minified JavaScript and CSS: one statement, rule or block per line.
import type { View } from "./view.ts";

const TYPE = /^(?:text|application)\/(?:(?:x-)?javascript|ecmascript|css)$/;
/**
 * Strings, comments, characters that begin or end a line, and the rest. A string without an end continues to the end of
 * its line, a template or comment without one to the end of the source: trying each of them again would take quadratic
 * time.
 */
const TOKENS =
	/"(?:[^"\\\n]|\\[\s\S]?)*"?|'(?:[^'\\\n]|\\[\s\S]?)*'?|`(?:[^`\\]|\\[\s\S]?)*`?|\/\*(?:[\s\S]*?\*\/|[\s\S]*)|\/\/[^\n]*|[{}();\n]|[^"'`/{}();\n]+|[\s\S]/g;
/** Source counts as minified if its lines have on average at least this many characters. */
const MINIFIED_LINE_LENGTH = 160;

export const script: View = ({ type, text }) => {
	if (!TYPE.test(type)) return null;
	const source = text();
	return source.length / source.split("\n").length < MINIFIED_LINE_LENGTH ? source : unfold(source);
};

function unfold(source: string): string {
	const lines: string[] = [];
	let line = "";
	let depth = 0;
	let parentheses = 0;
	const newline = () => {
		if (line.trim() !== "") lines.push(line.trimEnd());
		line = "  ".repeat(Math.max(0, Math.min(depth, 40)));
	};
	for (const [token] of source.matchAll(TOKENS)) {
		if (token === "(") parentheses++;
		if (token === ")") parentheses = Math.max(0, parentheses - 1);
		if (token === "{") {
			line += line.endsWith(" ") ? "{" : " {";
			depth++;
			newline();
		} else if (token === "}") {
			depth--;
			newline();
			line += "}";
			newline();
		} else if (token === "\n") newline();
		else {
			line += token;
			if ((token === ";" && parentheses === 0) || token.startsWith("//")) newline();
		}
	}
	newline();
	return lines.join("\n").trim();
}
