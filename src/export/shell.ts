// Words and data for a POSIX shell. Whatever a flow holds, none of it is ever read as shell.
import type { ByteString } from "../flow/bytes.ts";

const SAFE = /^[\w@%+=:,./-]+$/;

/** A word in single quotes, unless it is safe without. A shell's words cannot hold NUL. */
export function quote(word: ByteString): ByteString {
	return SAFE.test(word) ? word : `'${word.replaceAll("\0", "").replaceAll("'", "'\\''")}'`;
}

/** A `printf` that prints exactly these bytes: octal escapes for what is not printable ASCII. */
export function printf(bytes: Buffer): ByteString {
	const format = bytes
		.latin1Slice()
		.replace(/[%\\]/g, "$&$&")
		.replace(/[^ -~]/g, (byte) => `\\${byte.charCodeAt(0).toString(8).padStart(3, "0")}`);
	return `printf ${quote(format)}`;
}

/** The command, one option a line. */
export function commandLine(parts: readonly ByteString[]): ByteString {
	return `${parts.join(" \\\n  ")}\n`;
}
