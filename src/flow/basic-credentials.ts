// Reads and writes the user and password in a Basic Authorization or Proxy-Authorization header (RFC 7617).
import { isUtf8 } from "node:buffer";
import type { ByteString } from "./bytes.ts";

/** The header value. @param credentials `user:password` */
export function formatBasic(credentials: string): ByteString {
	return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

/**
 * User and password, in UTF-8 or else Latin-1; the first colon ends the user (RFC 7617 section 2). null: the header is
 * missing, malformed or of another scheme.
 */
export function parseBasic(header: string | null): [user: string, password: string] | null {
	if (header === null) return null;
	const encoded = /^\s*basic\s+([A-Za-z0-9+/]+={0,2})\s*$/i.exec(header)?.[1];
	const bytes = Buffer.from(encoded ?? "", "base64");
	const [, user, password] = /^([^:]*):(.*)$/s.exec(bytes.toString(isUtf8(bytes) ? "utf8" : "latin1")) ?? [];
	return user === undefined || password === undefined ? null : [user, password];
}
