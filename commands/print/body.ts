// A body as a person reads it: JSON and forms laid out, text as text, the rest as a hex dump.
import { isAscii } from "../../src/flow/bytes.ts";
import type { Message } from "../../src/flow/message.ts";
import { printable } from "./text.ts";

/** Bytes of a body beyond this are counted, not printed. */
const SHOWN_BYTES = 512 * 1024;

/** The lines of a message's body, decoded; empty where there is nothing to show. */
export function bodyText(message: Message, limit = SHOWN_BYTES): string {
	const bytes = message.decodedOrRaw;
	if (bytes === null) return "(body not recorded)\n";
	if (bytes.length === 0) return "";
	const type = message.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
	const shown = bytes.length > limit ? bytes.subarray(0, limit) : bytes;
	const rest = bytes.length > limit ? `… ${bytes.length - limit} bytes more\n` : "";
	if (looksBinary(shown)) return `${hexDump(shown.subarray(0, 4096))}${bytes.length > 4096 ? `… ${bytes.length - 4096} bytes more\n` : ""}`;
	const text = bytes.length > limit ? shown.toString("utf8") : (message.text ?? "");
	return `${withNewline(printable(laidOut(text, type).replaceAll("\r\n", "\n")))}${rest}`;
}

function laidOut(text: string, type: string): string {
	if (/[/+]json$/.test(type) || /^\s*[[{]/.test(text)) return prettyJson(text) ?? text;
	if (type === "application/x-www-form-urlencoded") return prettyForm(text);
	return text;
}

function prettyJson(text: string): string | null {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return null;
	}
}

function prettyForm(text: string): string {
	return [...new URLSearchParams(text)].map(([name, value]) => `${name}: ${value}`).join("\n");
}

function looksBinary(bytes: Buffer): boolean {
	const head = bytes.latin1Slice(0, Math.min(bytes.length, 1024));
	if (bytes.subarray(0, 1024).some(isBinaryByte)) return true;
	return !isAscii(head) && !isUtf8Head(bytes);
}

/** Controls but white space and escape. */
function isBinaryByte(byte: number): boolean {
	return byte < 0x20 && !(byte >= 0x09 && byte <= 0x0d) && byte !== 0x1b;
}

/** A cut in the middle of a character does not count. */
function isUtf8Head(bytes: Buffer): boolean {
	const text = bytes.toString("utf8", 0, Math.min(bytes.length, 1024));
	return !text.slice(0, -1).includes("�");
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

function withNewline(text: string): string {
	return text.endsWith("\n") ? text : `${text}\n`;
}
