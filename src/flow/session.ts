// The names of sessions. A session is a client or a group of clients, such as a test, whose requests belong together.
import type * as Crypto from "node:crypto";
import { lazily } from "../lazy.ts";

const crypto = lazily<typeof Crypto>("node:crypto");

/** The longest name of a session, in bytes. */
export const SESSION_LIMIT = 128;

/** Whether a name is valid for a session; null: no session. */
export function isSession(name: string | null): boolean {
	return name === null || (name !== "" && Buffer.byteLength(name) <= SESSION_LIMIT);
}

/** Number of hexadecimal digits of the hash at the end of a shortened name. */
const HASH_DIGITS = 16;

/** The name of a session for any text. A long text is cut, and the name ends with a part of its hash. null: no text. */
export function sessionNameOf(text: string): string | null {
	if (text === "") return null;
	const bytes = Buffer.from(text);
	if (bytes.length <= SESSION_LIMIT) return text;
	// a character that is cut in two becomes a replacement character
	const begin = bytes.toString("utf8", 0, SESSION_LIMIT - HASH_DIGITS - 1).replace(/\ufffd$/, "");
	return `${begin}~${crypto().createHash("sha256").update(bytes).digest("hex").slice(0, HASH_DIGITS)}`;
}
