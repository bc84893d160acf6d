// Forms: URL-encoded ones as name and value, multipart ones part by part.
import { boundaryOf } from "../flow/multipart.ts";
import { hexDump, looksBinary } from "./bytes.ts";
import type { View } from "./view.ts";

export const form: View = ({ type, text }) => {
	if (type !== "application/x-www-form-urlencoded") return null;
	return [...new URLSearchParams(text().trim())].map(([name, value]) => `${name}: ${value}`).join("\n");
};

/** RFC 2046 section 5.1.1 */
export const multipart: View = ({ type, contentType, bytes }) => {
	const boundary = boundaryOf(contentType);
	if (!type.startsWith("multipart/") || boundary === null) return null;
	const delimiter = `--${boundary}`;
	const [, ...parts] = `\r\n${bytes.latin1Slice()}`.split(`\r\n${delimiter}`);
	if (parts.length === 0) return null;
	return parts
		.filter((part) => !part.startsWith("--"))
		.map((part) => showPart(delimiter, part))
		.join("\n");
};

function showPart(delimiter: string, part: string): string {
	const end = part.indexOf("\r\n\r\n");
	const head = end === -1 ? part : part.slice(0, end);
	const body = Buffer.from(end === -1 ? "" : part.slice(end + 4), "latin1");
	const fields = head.replace(/^[\t ]*\r\n/, "").replaceAll("\r\n", "\n");
	return `${delimiter}\n${Buffer.from(fields, "latin1")}\n\n${looksBinary(body) ? hexDump(body.subarray(0, 1024)) : body}`;
}
