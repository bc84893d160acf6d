// Quotes words and data for sh, dash, bash and zsh, so that a pasted command never executes any content of a flow.
import { type ByteString, toByteString, toText } from "../flow/bytes.ts";

/** Words that need no quotes. zsh expands a leading `=`. */
const SAFE = /^(?!=)[\w@%+=:,./-]+$/;

/**
 * Characters that terminals interpret, in UTF-8: controls other than tab and line feed, and bidirectional formatting
 * characters.
 */
const UNSAFE = /(?![\t\n])[^ -~\x80-\xff]|\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]/;

/** Whether text is safe to print and paste. */
export function isVisible(text: ByteString): boolean {
	return !UNSAFE.test(text);
}

/** Puts a word in single quotes if needed. NUL is removed because shell words cannot contain it. */
export function quote(word: ByteString): ByteString {
	if (SAFE.test(word)) return word;
	const text = word.replaceAll("\0", "");
	return isVisible(text) ? `'${text.replaceAll("'", "'\\''")}'` : printfWord(text);
}

/** As `quote`, for text: tabs and line feeds are escaped, except line feeds at the end of the word. */
export function quoteInLine(text: string): string {
	const word = toByteString(text);
	return toText(/[\t\n]/.test(word) ? printfWord(word.replaceAll("\0", "")) : quote(word));
}

/**
 * A word as a command substitution with `printf`. Shells strip trailing line feeds from its output, so those are
 * quoted.
 */
function printfWord(text: ByteString): ByteString {
	const end = /\n*$/.exec(text)?.[0] ?? "";
	// in double quotes, an interactive bash expands `!` from its history
	const format = printfOf(text.slice(0, text.length - end.length)).replaceAll("!", "\\041");
	return `"$(${format})"${end === "" ? "" : `'${end}'`}`;
}

/**
 * Maximum length of the format of one `printf`, in bytes. If `printf` is not a builtin, Linux limits arguments to 128
 * KiB (MAX_ARG_STRLEN).
 */
const FORMAT_LIMIT = 100_000;

/** A command that prints exactly these bytes: `printf` with octal escapes for bytes that are not printable ASCII. */
export function printf(bytes: Buffer): ByteString {
	const text = bytes.latin1Slice();
	// at most four characters per byte
	const size = FORMAT_LIMIT / 4;
	if (text.length <= size) return printfOf(text);
	const lines: ByteString[] = [];
	for (let at = 0; at < text.length; at += size) lines.push(printfOf(text.slice(at, at + size)));
	return `{\n${lines.join("\n")}\n}`;
}

/** A `printf` command; a leading `-` is escaped so that it is not an option. */
function printfOf(text: ByteString): ByteString {
	const format = text
		.replace(/[%\\]/g, "$&$&")
		.replace(/[^ -~]|^-/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
	return `printf ${quote(format)}`;
}

/** Joins the parts of a command, one per line. */
export function commandLine(parts: readonly ByteString[]): ByteString {
	return `${parts.join(" \\\n  ")}\n`;
}
