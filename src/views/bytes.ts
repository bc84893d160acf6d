// Bytes that are no text: how they are told, and how they are shown.
import { isAscii } from "../flow/bytes.ts";

/** Bytes that are looked at. */
const LOOKED_AT = 1024;

export function looksBinary(bytes: Buffer): boolean {
	const head = bytes.subarray(0, LOOKED_AT);
	if (head.some(isBinaryByte)) return true;
	return !isAscii(head.latin1Slice()) && !isUtf8Head(head);
}

/** Controls but white space and escape. */
function isBinaryByte(byte: number): boolean {
	return byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b;
}

/** A cut in the middle of a character does not count. */
function isUtf8Head(head: Buffer): boolean {
	return !head.toString("utf8").slice(0, -1).includes("\ufffd");
}

/** Offset, sixteen bytes, the same as characters. */
export function hexDump(bytes: Buffer): string {
	const lines: string[] = [];
	for (let at = 0; at < bytes.length; at += 16) {
		const row = bytes.subarray(at, at + 16);
		const hex = row.toString("hex").replace(/../g, "$& ").padEnd(48);
		lines.push(`${at.toString(16).padStart(8, "0")}  ${hex} ${row.toString("latin1").replace(/[^\x20-\x7e]/g, ".")}\n`);
	}
	return lines.join("");
}
