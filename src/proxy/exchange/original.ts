// Keeps the request as received beside the one that rules and scripts changed, so that a replay with other rules can
// match it.
import type { HttpFlow } from "../../flow/flow.ts";
import type { Request } from "../../flow/message.ts";

/**
 * A copy of the request without Proxy-Authorization. It is kept until it is known whether hooks changed the request.
 */
export function originalOf(request: Request): Request {
	const original = request.copy();
	original.headers.delete("proxy-authorization");
	return original;
}

/** Drops the copy if nothing has changed. */
export function dropUnchangedOriginal(flow: HttpFlow): void {
	const { original, request } = flow;
	if (original !== null && isSame(original, request)) flow.original = null;
}

function isSame(original: Request, request: Request): boolean {
	const { method, scheme, host, port, path, authority, body } = original;
	if (
		method !== request.method ||
		scheme !== request.scheme ||
		host !== request.host ||
		port !== request.port ||
		path !== request.path
	)
		return false;
	if (authority !== request.authority || body !== request.body) return false;
	const fields = request.headers.fields;
	if (original.headers.fields.length === fields.length)
		return original.headers.fields.every((part, i) => part === fields[i]);
	const bare = request.headers.copy();
	bare.delete("proxy-authorization");
	return (
		original.headers.fields.length === bare.fields.length &&
		original.headers.fields.every((part, i) => part === bare.fields[i])
	);
}
