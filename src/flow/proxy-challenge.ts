// How a proxy asks for a password, this one or the next, and how that is told from what a server asks: it is part of a flow, but no recording of the server.
import type { Response } from "./message.ts";

/** The value of Proxy-Authenticate or WWW-Authenticate (RFC 7617) when this proxy asks. */
export const OWN_CHALLENGE = 'Basic realm="flowtape", charset="UTF-8"';

/**
 * Whether a response was made by a proxy for somebody who may not use it: a 407 always is (RFC 9110 section 15.5.8), and this proxy, where it stands for a
 * server, asks with a 401. Every format keeps what tells it.
 */
export function isProxyChallenge({ statusCode, headers }: Pick<Response, "statusCode" | "headers">): boolean {
	if (statusCode === 407) return headers.has("proxy-authenticate");
	return statusCode === 401 && headers.raw("www-authenticate") === OWN_CHALLENGE;
}
