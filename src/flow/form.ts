// The fields of a form that a message carries: url-encoded (WHATWG URL section 5) or multipart/form-data (RFC 7578).
import { type ByteString, toByteString, toText } from "./bytes.ts";
import type { Message } from "./message.ts";
import { boundaryOf } from "./multipart.ts";
import { parseQuery } from "./url.ts";

export interface FormField {
	name: string;
	/** Bytes, because a field may be a file. */
	value: ByteString;
}

/** A form of more fields is nobody's: each takes many times its size in memory. */
const FIELD_LIMIT = 100_000;

/** The fields in order, duplicates kept; null when the message holds no form, or one without a field or with far too many. */
export function formFields(message: Message): FormField[] | null {
	const type = message.headers.get("content-type");
	if (type === null) return null;
	const fields = /multipart\/form-data/i.test(type)
		? multipartFields(message.decodedOrRaw?.latin1Slice() ?? "", type)
		: /application\/x-www-form-urlencoded/i.test(type)
			? urlencodedFields(message.text ?? "")
			: [];
	return fields.length === 0 ? null : fields;
}

/** Whether a text has so many parts that they are not looked at. */
export function hasTooManyFields(text: string, separator: string): boolean {
	return text.split(separator, FIELD_LIMIT + 1).length > FIELD_LIMIT;
}

function urlencodedFields(text: string): FormField[] {
	if (hasTooManyFields(text, "&")) return [];
	return parseQuery(text).map(([name, value]) => ({ name, value: toByteString(value) }));
}

const NAME = /^content-disposition:.*?;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/im;

/** Parts without a name are passed over. Line breaks may be LF alone, as some senders have them. */
function multipartFields(body: ByteString, contentType: string): FormField[] {
	const boundary = boundaryOf(contentType);
	if (boundary === null) return [];
	if (hasTooManyFields(body, `\n--${boundary}`)) return [];
	const fields: FormField[] = [];
	// a delimiter stands at the start of a line and belongs to the line break before it (RFC 2046 section 5.1.1)
	for (const part of `\n${body}`.split(`\n--${boundary}`).slice(1)) {
		if (part.startsWith("--")) break;
		const blank = /\r?\n\r?\n/.exec(part);
		if (blank === null) continue;
		const name = NAME.exec(part.slice(0, blank.index));
		if (name === null) continue;
		const value = part.slice(blank.index + blank[0].length);
		fields.push({ name: toText((name[1] ?? name[2] ?? "").replace(/\\(.)/g, "$1")), value: value.endsWith("\r") ? value.slice(0, -1) : value });
	}
	return fields;
}
