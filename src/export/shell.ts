// Words and data for the shells that people paste commands into: sh, dash, bash and zsh. Whatever a flow holds, none of it is ever read as shell.
import type { ByteString } from "../flow/bytes.ts";

/** In zsh a word that begins with `=` is the path of a command. */
const SAFE = /^(?!=)[\w@%+=:,./-]+$/;

/** In UTF-8: control characters but for tab and line feed, and what turns the writing direction. A terminal would obey them when they are pasted or shown. */
const UNSEEN = /(?![\t\n])[^ -~\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]/;

/** Whether text can be shown as it is. */
export function isVisible(text: ByteString): boolean {
	return !UNSEEN.test(text);
}

/** A word in single quotes, unless it is safe without. A shell's words cannot hold NUL. */
export function quote(word: ByteString): ByteString {
	if (SAFE.test(word)) return word;
	const text = word.replaceAll("\0", "");
	return isVisible(text) ? `'${text.replaceAll("'", "'\\''")}'` : printed(text);
}

/** As `quote`, on one line, but for line feeds at the end of the word. */
export function quoteInLine(word: ByteString): ByteString {
	return /[\t\n]/.test(word) ? printed(word.replaceAll("\0", "")) : quote(word);
}

/** A word that `printf` makes. A shell takes line feeds off the end of what a command prints, so those stay in quotes. */
function printed(text: ByteString): ByteString {
	const end = /\n*$/.exec(text)?.[0] ?? "";
	// within double quotes an interactive bash takes an exclamation mark for a word of its history
	const format = printfOf(text.slice(0, text.length - end.length)).replaceAll("!", "\\041");
	return `"$(${format})"${end === "" ? "" : `'${end}'`}`;
}

/** Longest format of one `printf`, in bytes: where it is no command of the shell's own, arguments have an end (MAX_ARG_STRLEN is 128 KiB). */
const FORMAT_LIMIT = 100_000;

/** A command that prints exactly these bytes: `printf` with octal escapes for what is not printable ASCII. */
export function printf(bytes: Buffer): ByteString {
	const text = bytes.latin1Slice();
	// four characters a byte at most
	const size = FORMAT_LIMIT / 4;
	if (text.length <= size) return printfOf(text);
	const lines: ByteString[] = [];
	for (let at = 0; at < text.length; at += size) lines.push(printfOf(text.slice(at, at + size)));
	return `{\n${lines.join("\n")}\n}`;
}

/** What begins with `-` would be an option. */
function printfOf(text: ByteString): ByteString {
	const format = text.replace(/[%\\]/g, "$&$&").replace(/[^ -~]|^-/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
	return `printf ${quote(format)}`;
}

/** The command, one option a line. */
export function commandLine(parts: readonly ByteString[]): ByteString {
	return `${parts.join(" \\\n  ")}\n`;
}
