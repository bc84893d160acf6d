// Joins headers with the same name, for tools that send each name only once.
import type { ByteString } from "../flow/bytes.ts";
import type { Note, RequestParts } from "./request-parts.ts";

/**
 * Joins the values of headers with the same name with commas (RFC 9110 section 5.3), those of Cookie with semicolons
 * (RFC 9113 section 8.2.3). The first one keeps its position and spelling.
 */
export function joinedFields(fields: RequestParts["fields"], note: Note): [name: ByteString, value: ByteString][] {
	const joined = new Map<string, [name: ByteString, value: ByteString]>();
	for (const [name, value] of fields) {
		const lower = name.toLowerCase();
		const first = joined.get(lower);
		if (first === undefined) joined.set(lower, [name, value]);
		else {
			first[1] += `${lower === "cookie" ? "; " : ", "}${value}`;
			note(`the headers ${JSON.stringify(name)} are joined to one`);
		}
	}
	return [...joined.values()];
}
