// Distinguishes a proxy's authentication challenge from a server's: a recorded challenge of a proxy must not answer
// requests in a replay.
import type { Response } from "./message.ts";

/** The value of Proxy-Authenticate or WWW-Authenticate (RFC 7617) that this proxy sends. */
export const OWN_CHALLENGE = 'Basic realm="flowtape", charset="UTF-8"';

/**
 * Whether a proxy made this response because the client is not authenticated: a 407 (RFC 9110 section 15.5.8), or the
 * 401 that this proxy sends in reverse mode. Every format stores the status and the headers that decide this.
 */
export function isProxyChallenge({ statusCode, headers }: Pick<Response, "statusCode" | "headers">): boolean {
	if (statusCode === 407) return headers.has("proxy-authenticate");
	return statusCode === 401 && headers.raw("www-authenticate") === OWN_CHALLENGE;
}
