// View of minified JavaScript and CSS: one statement, rule or block per line.
import type { View } from "./view.ts";

const TYPE = /^(?:text|application)\/(?:(?:x-)?javascript|ecmascript|css)$/;
/** Strings, comments, characters that begin or end a line, and the rest. */
const TOKENS =
	/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*|[{}();\n]|[^"'`/{}();\n]+|[\s\S]/g;
/** Source counts as minified if its lines have on average at least this many characters. */
const MINIFIED_LINE_LENGTH = 160;

export const script: View = ({ type, text }) => {
	if (!TYPE.test(type)) return null;
	const source = text();
	return source.length / source.split("\n").length < MINIFIED_LINE_LENGTH ? source : unfold(source);
};

function unfold(source: string): string {
	let out = "";
	let depth = 0;
	let parentheses = 0;
	const newline = () => {
		out = `${out.trimEnd()}\n${"  ".repeat(Math.max(0, Math.min(depth, 40)))}`;
	};
	for (const [token] of source.matchAll(TOKENS)) {
		if (token === "(") parentheses++;
		if (token === ")") parentheses = Math.max(0, parentheses - 1);
		if (token === "{") {
			out += " {".slice(out.endsWith(" ") ? 1 : 0);
			depth++;
			newline();
		} else if (token === "}") {
			depth--;
			newline();
			out += "}";
			newline();
		} else if (token === "\n") newline();
		else {
			out += token;
			if ((token === ";" && parentheses === 0) || token.startsWith("//")) newline();
		}
	}
	return out.trim();
}
