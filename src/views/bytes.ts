// Detects binary data and formats it as a hex dump.
import { isAscii } from "../flow/bytes.ts";

/** Number of bytes that are examined to detect binary data. */
const EXAMINED_BYTES = 1024;

/** Whether the first bytes contain binary control characters, or are not valid UTF-8. */
export function looksBinary(bytes: Buffer): boolean {
	const head = bytes.subarray(0, EXAMINED_BYTES);
	if (head.some(isBinaryByte)) return true;
	return !isAscii(head.latin1Slice()) && !isUtf8Head(head);
}

/** Control characters other than white space and ESC. */
function isBinaryByte(byte: number): boolean {
	return byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b;
}

/** Whether bytes are UTF-8; the last character may be cut off. */
function isUtf8Head(head: Buffer): boolean {
	return !head.toString("utf8").slice(0, -1).includes("\ufffd");
}

/** Lines of offset, sixteen bytes in hexadecimal, and the same bytes as ASCII. */
export function hexDump(bytes: Buffer): string {
	const lines: string[] = [];
	for (let at = 0; at < bytes.length; at += 16) {
		const row = bytes.subarray(at, at + 16);
		const hex = row.toString("hex").replace(/../g, "$& ").padEnd(48);
		lines.push(`${at.toString(16).padStart(8, "0")}  ${hex} ${row.toString("latin1").replace(/[^\x20-\x7e]/g, ".")}\n`);
	}
	return lines.join("");
}
