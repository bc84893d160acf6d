// Formats a body for people: pretty-printed according to its content type, else as text or as a hex dump.
import { isUtf8 } from "node:buffer";
import { charsetOf } from "../flow/charset.ts";
import { parseMediaType } from "../flow/content-type.ts";
import type { Message } from "../flow/message.ts";
import { hexDump, looksBinary } from "./bytes.ts";
import { form, multipart } from "./form.ts";
import { image } from "./image.ts";
import { json, jsonSequence } from "./json.ts";
import { markup } from "./markup.ts";
import { msgpack } from "./msgpack.ts";
import { printable } from "./printable.ts";
import { protobuf } from "./protobuf.ts";
import { script } from "./script.ts";
import type { View, ViewInput } from "./view.ts";

/** Sizes of the longest body and of the longest hex dump that are printed in full, in bytes. */
const SHOWN_BYTES = 512 * 1024;
const DUMPED_BYTES = 4096;
/** Number of characters that are examined to detect text. */
const HEAD_LENGTH = 1024;

/** Views of binary data and of text with control characters, then views of other text. The first that applies is used. */
const binaryViews: readonly View[] = [image, protobuf, msgpack, multipart, jsonSequence];
const textViews: readonly View[] = [form, json, markup, script];

/**
 * The decoded body of a message as lines of text; empty for an empty body. `limit`: longest body that is printed in
 * full, in bytes.
 */
export function bodyText(message: Message, limit = SHOWN_BYTES): string {
	const bytes = message.decodedOrRaw;
	if (bytes === null) return "(body not recorded)\n";
	if (bytes.length === 0) return "";
	if (bytes.length > limit) return `${plainText(bytes.subarray(0, limit))}… ${bytes.length - limit} bytes more\n`;
	const contentType = message.headers.get("content-type") ?? "";
	const input: ViewInput = {
		bytes,
		text: () => textOf(message, bytes),
		type: parseMediaType(contentType).essence,
		contentType,
	};
	const shown = first(binaryViews, input) ?? (isText(input) ? (first(textViews, input) ?? input.text()) : null);
	return shown === null ? dump(bytes) : lines(shown);
}

/**
 * The text of a body. If the Content-Type names no charset, valid UTF-8 is decoded as UTF-8, although `message.text`
 * may choose another charset, as mitmproxy does.
 */
function textOf(message: Message, bytes: Buffer): string {
	const isNamed = parseMediaType(message.headers.get("content-type")).parameter("charset") !== null;
	return !isNamed && isUtf8(bytes) ? bytes.toString("utf8") : (message.text ?? "");
}

/** Characters that text does not contain: controls other than white space, and replacements for invalid bytes. */
const NON_TEXT = /(?!\s)[\p{Cc}\p{Cs}\ufffd]/u;

/** Whether the bytes are text in UTF-8 or in the charset of the message. */
function isText({ bytes, contentType, text }: ViewInput): boolean {
	if (!looksBinary(bytes)) return true;
	return charsetOf(bytes, contentType) !== null && !NON_TEXT.test(text().slice(0, HEAD_LENGTH));
}

function first(views: readonly View[], input: ViewInput): string | null {
	for (const view of views) {
		const shown = view(input);
		if (shown !== null) return shown;
	}
	return null;
}

/** The beginning of a body that is too long to pretty-print, as text or as a hex dump. */
function plainText(bytes: Buffer): string {
	return looksBinary(bytes) ? dump(bytes.subarray(0, DUMPED_BYTES)) : lines(bytes.toString("utf8"));
}

function dump(bytes: Buffer): string {
	const rest = bytes.length - DUMPED_BYTES;
	return `${hexDump(bytes.subarray(0, DUMPED_BYTES))}${rest > 0 ? `… ${rest} bytes more\n` : ""}`;
}

function lines(text: string): string {
	const clean = printable(text.replaceAll("\r\n", "\n"));
	return clean.endsWith("\n") ? clean : `${clean}\n`;
}
