// The boundary of a multipart body (RFC 2046 section 5.1.1), as the Content-Type names it.
import { type ByteString, toByteString } from "./bytes.ts";

/** A parameter of its own, in any case, with or without quotes (RFC 9110 section 5.6.6). */
const BOUNDARY = /;\s*boundary=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))/i;

/** The boundary, in bytes; null where the type is no multipart, or names none. */
export function boundaryOf(contentType: string): ByteString | null {
	if (!/^\s*multipart\//i.test(contentType)) return null;
	const match = BOUNDARY.exec(contentType);
	return toByteString(match?.[1]?.replace(/\\(.)/g, "$1") ?? match?.[2] ?? "") || null;
}
