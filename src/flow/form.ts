// Parses forms in message bodies: URL-encoded (WHATWG URL section 5) or multipart/form-data (RFC 7578).
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { parseMediaType } from "./content-type.ts";
import type { Message } from "./message.ts";
import { boundaryOf, partsOf } from "./multipart.ts";
import { parseQuery } from "./url.ts";

export interface FormField {
	name: string;
	/** Bytes, because the field may be a file. */
	value: ByteString;
}

/** The media type of URL-encoded forms. */
export const URL_ENCODED = "application/x-www-form-urlencoded";

/** Maximum number of fields: a parsed field takes many times its size in memory. */
const FIELD_LIMIT = 100_000;

/**
 * The fields in order, with duplicates; null: the message is not a form, or has no fields or more than `FIELD_LIMIT`.
 */
export function formFields(message: Message): FormField[] | null {
	const type = message.headers.get("content-type");
	if (type === null) return null;
	const { essence } = parseMediaType(type);
	const fields =
		essence === "multipart/form-data"
			? multipartFields(message.decodedOrRaw?.latin1Slice() ?? "", type)
			: essence === URL_ENCODED
				? urlencodedFields(message.text ?? "")
				: [];
	return fields.length === 0 ? null : fields;
}

/** Whether a text has more than `FIELD_LIMIT` parts. */
export function hasTooManyFields(text: string, separator: string): boolean {
	return text.split(separator, FIELD_LIMIT + 1).length > FIELD_LIMIT;
}

function urlencodedFields(text: string): FormField[] {
	if (hasTooManyFields(text, "&")) return [];
	return parseQuery(text).map(([name, value]) => ({ name, value: toByteString(value) }));
}

const NAME = /^content-disposition:.*?;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/im;

/** The name of a part of a form by its header fields; null: it has none. */
export function partName(head: ByteString): ByteString | null {
	const [, quoted, bare] = NAME.exec(head) ?? [];
	return quoted?.replace(/\\(.)/g, "$1") ?? bare ?? null;
}

/** Parts without a name are skipped. */
function multipartFields(body: ByteString, contentType: string): FormField[] {
	const boundary = boundaryOf(contentType);
	if (boundary === null || hasTooManyFields(body, `\n--${boundary}`)) return [];
	const fields: FormField[] = [];
	for (const { head, content } of partsOf(body, boundary)) {
		const name = partName(head);
		if (content !== null && name !== null) fields.push({ name: toText(name), value: content });
	}
	return fields;
}
