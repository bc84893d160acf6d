// Splits a pasted command line into words, as a shell does.
import { FlowtapeError } from "../../src/errors.ts";

const ESCAPES: Readonly<Record<string, string>> = {
	n: "\n",
	r: "\r",
	t: "\t",
	"0": "\0",
	a: "\x07",
	b: "\b",
	f: "\f",
	v: "\v",
	e: "\x1b",
};

/** A part of a word: escaped, in single or double quotes, in `$'…'`, or unquoted. */
const PIECE = /\\([\s\S])|'([^']*)'|"((?:[^"\\]|\\[\s\S])*)"|\$'((?:[^'\\]|\\[\s\S])*)'|([^\s'"\\$]+|\$)/y;

/** An operator that ends the command: a pipe, a separator or a redirection. */
const OPERATOR = /(?:[|;&]+|\d?[<>]\S*)(?=\s|$)/y;

/**
 * The words of the first command. Removes quotes, and joins lines at a backslash; does not expand variables.
 * @throws FlowtapeError FT_USAGE if a quote is not closed
 */
export function shellWords(line: string): string[] {
	const words: string[] = [];
	for (let at = skip(line, 0); at < line.length && !isOperator(line, at); at = skip(line, at)) {
		let word = "";
		while (at < line.length && !/\s/.test(line[at] as string)) {
			PIECE.lastIndex = at;
			const match = PIECE.exec(line);
			if (match === null)
				throw new FlowtapeError("FT_USAGE", `column ${at + 1}: expected a closing quote, found the end`, {
					column: at + 1,
				});
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
		return double.replace(/\\([\s\S])/g, (whole, character: string) =>
			/["\\$`]/.test(character) ? character : character === "\n" ? "" : whole,
		);
	if (dollar !== undefined) return dollar.replace(/\\(?:x([\da-f]{1,2})|u([\da-f]{4})|([\s\S]))/gi, unescapeDollar);
	return single ?? plain ?? "";
}

function unescapeDollar(
	_: string,
	hex: string | undefined,
	unicode: string | undefined,
	character: string | undefined,
): string {
	if (hex !== undefined || unicode !== undefined) return String.fromCharCode(Number.parseInt(hex ?? unicode ?? "", 16));
	return ESCAPES[character ?? ""] ?? character ?? "";
}
