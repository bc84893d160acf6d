// Distinguishes a response body that was not recorded from one that does not exist. A response whose body was not
// recorded must not answer requests in a replay.
import type { Flow, HttpFlow } from "./flow.ts";

/** The parts of a flow that decide whether its response body was recorded. */
export interface KeptBodyParts {
	readonly request: Pick<HttpFlow["request"], "method">;
	readonly response: Pick<NonNullable<HttpFlow["response"]>, "statusCode" | "headers" | "body"> | null;
	readonly error: Flow["error"];
}

/**
 * Whether the response body was recorded, or the response has none. A response that was cut off may consist of the head
 * only.
 */
export function isKept({ request, response, error }: KeptBodyParts): boolean {
	if (response === null || response.body !== null || error !== null || request.method === "HEAD") return true;
	const { statusCode, headers } = response;
	if (statusCode === 101 || statusCode === 204 || statusCode === 304) return true;
	return /^\s*0+\s*$/.test(headers.raw("content-length") ?? "");
}
