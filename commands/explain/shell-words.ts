// A command line as a shell would split it, for commands that people paste.
import { FlowtapeError } from "../../src/errors.ts";

const ESCAPES: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", "0": "\0", a: "\x07", b: "\b", f: "\f", v: "\v", e: "\x1b" };

/** An unquoted piece, a quoted one of either kind, or `$'…'` with its escapes. */
const PIECE = /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\$'((?:[^'\\]|\\[\s\S])*)'|([^\s'"\\$]+|\$)/y;

/** What ends a command, where it stands for itself: what comes behind is another command, or where the output goes. */
const OPERATOR = /(?:[|;&]+|\d?[<>]\S*)(?=\s|$)/y;

/**
 * The words of the first command. Quotes are taken off, a backslash before a line break joins the lines; variables and the like stay as they
 * are.
 * @throws FlowtapeError FT_USAGE
 */
export function shellWords(line: string): string[] {
	const words: string[] = [];
	for (let at = skip(line, 0); at < line.length && !isOperator(line, at); at = skip(line, at)) {
		let word = "";
		while (at < line.length && !/\s/.test(line[at] as string)) {
			PIECE.lastIndex = at;
			const match = PIECE.exec(line);
			if (match === null) throw new FlowtapeError("FT_USAGE", `column ${at + 1}: a quote is not closed`, { column: at + 1 });
			word += textOf(match);
			at = PIECE.lastIndex;
		}
		words.push(word);
	}
	return words;
}

function isOperator(line: string, at: number): boolean {
	OPERATOR.lastIndex = at;
	return OPERATOR.test(line);
}

function skip(line: string, from: number): number {
	const space = /(?:\s|\\\r?\n)*/y;
	space.lastIndex = from;
	space.test(line);
	return space.lastIndex;
}

function textOf([, escaped, single, double, dollar, plain]: RegExpExecArray): string {
	if (escaped !== undefined) return escaped === "\n" ? "" : escaped;
	if (double !== undefined)
		return double.replace(/\\([\s\S])/g, (whole, character: string) => (/["\\$`]/.test(character) ? character : character === "\n" ? "" : whole));
	if (dollar !== undefined) return dollar.replace(/\\(?:x([\da-f]{1,2})|u([\da-f]{4})|([\s\S]))/gi, unescapeDollar);
	return single ?? plain ?? "";
}

function unescapeDollar(_: string, hex: string | undefined, unicode: string | undefined, character: string | undefined): string {
	if (hex !== undefined || unicode !== undefined) return String.fromCharCode(Number.parseInt(hex ?? unicode ?? "", 16));
	return ESCAPES[character ?? ""] ?? character ?? "";
}
