// Views of forms: names and values of URL-encoded forms, the parts of multipart forms.
import { URL_ENCODED } from "../flow/form.ts";
import { type BodyPart, boundaryOf, partsOf } from "../flow/multipart.ts";
import { parseQuery } from "../flow/url.ts";
import { hexDump, looksBinary } from "./bytes.ts";
import type { View } from "./view.ts";

export const form: View = ({ type, text }) => {
	if (type !== URL_ENCODED) return null;
	return parseQuery(text().trim())
		.map(([name, value]) => `${name}: ${value}`)
		.join("\n");
};

/** Prints each part of a multipart body after its delimiter (RFC 2046 section 5.1.1). */
export const multipart: View = ({ contentType, bytes }) => {
	const boundary = boundaryOf(contentType);
	if (boundary === null) return null;
	const parts = [...partsOf(bytes.latin1Slice(), boundary)];
	return parts.length === 0 ? null : parts.map((part) => partText(`--${boundary}`, part)).join("\n");
};

function partText(delimiter: string, { head, content }: BodyPart): string {
	const body = Buffer.from(content ?? "", "latin1");
	const fields = head.replaceAll("\r\n", "\n");
	return `${delimiter}\n${Buffer.from(fields, "latin1")}\n\n${looksBinary(body) ? hexDump(body.subarray(0, 1024)) : body}`;
}
