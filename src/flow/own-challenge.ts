// How this proxy asks for a password, and how that is told from what a server asks: it is part of a flow, but no recording of the server.
import type { Response } from "./message.ts";

/** The value of Proxy-Authenticate or WWW-Authenticate (RFC 7617). */
export const OWN_CHALLENGE = 'Basic realm="flowtape", charset="UTF-8"';

/** Whether a response was made by this proxy for somebody who may not use it. Every format keeps what tells it. */
export function isOwnChallenge({ statusCode, headers }: Pick<Response, "statusCode" | "headers">): boolean {
	if (statusCode !== 407 && statusCode !== 401) return false;
	return headers.raw(statusCode === 407 ? "proxy-authenticate" : "www-authenticate") === OWN_CHALLENGE;
}
