// A body as a person reads it: laid out by what it is, text as text, the rest as a hex dump.
import { isUtf8 } from "node:buffer";
import { charsetOf } from "../flow/charset.ts";
import type { Message } from "../flow/message.ts";
import { hexDump, looksBinary } from "./bytes.ts";
import { form, multipart } from "./form.ts";
import { image } from "./image.ts";
import { json } from "./json.ts";
import { markup } from "./markup.ts";
import { msgpack } from "./msgpack.ts";
import { printable } from "./printable.ts";
import { protobuf } from "./protobuf.ts";
import { script } from "./script.ts";
import type { View, ViewInput } from "./view.ts";

/** Bytes of a body beyond this are counted, not printed; so are those of a hex dump beyond the other. */
const SHOWN_BYTES = 512 * 1024;
const DUMPED_BYTES = 4096;
/** Characters by which text is told. */
const HEAD = 1024;

/** The first that is not null is shown. */
const binaryViews: readonly View[] = [image, protobuf, msgpack, multipart];
const textViews: readonly View[] = [form, json, markup, script];

/** The lines of a message's body, decoded; empty where there is nothing to show. */
export function bodyText(message: Message, limit = SHOWN_BYTES): string {
	const bytes = message.decodedOrRaw;
	if (bytes === null) return "(body not recorded)\n";
	if (bytes.length === 0) return "";
	if (bytes.length > limit) return `${plainText(bytes.subarray(0, limit))}… ${bytes.length - limit} bytes more\n`;
	const contentType = message.headers.get("content-type") ?? "";
	const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
	const input: ViewInput = { bytes, text: () => textOf(message, bytes), type, contentType };
	const shown = first(binaryViews, input) ?? (isText(input) ? (first(textViews, input) ?? input.text()) : null);
	return shown === null ? dump(bytes) : lines(shown);
}

/** Who names no charset mostly means UTF-8, whatever else `message.text` takes it for. */
function textOf(message: Message, bytes: Buffer): string {
	const isNamed = /;\s*charset=/i.test(message.headers.get("content-type") ?? "");
	return !isNamed && isUtf8(bytes) ? bytes.toString("utf8") : (message.text ?? "");
}

/** What no text holds: controls but white space, and what stands for bytes that the charset does not have. */
const NO_TEXT = /(?!\s)[\p{Cc}\p{Cs}\ufffd]/u;

/** By the bytes; where these are no UTF-8 and another charset is told, by what they are in that. */
function isText({ bytes, contentType, text }: ViewInput): boolean {
	if (!looksBinary(bytes)) return true;
	return charsetOf(bytes, contentType) !== null && !NO_TEXT.test(text().slice(0, HEAD));
}

function first(views: readonly View[], input: ViewInput): string | null {
	for (const view of views) {
		const shown = view(input);
		if (shown !== null) return shown;
	}
	return null;
}

/** Of a body that is too long to be laid out. */
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
