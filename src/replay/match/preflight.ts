// CORS preflights (Fetch standard, section "CORS protocol"): which recorded one answers which, and what is answered from the recording of
// the request that they ask for.
import type { ByteString } from "../../flow/bytes.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { Wish } from "./wish.ts";

/** Whether a request asks whether another may be sent. */
export function isPreflight({ method, headers }: Request): boolean {
	return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** Whether two preflights ask for the same, from the same origin. */
export function isSamePreflight(a: Wish, b: Wish): boolean {
	const names = ({ requestHeaders }: Wish) => [...listed(requestHeaders)].sort().join();
	return a.requestMethod === b.requestMethod && a.origin === b.origin && names(a) === names(b);
}

/** Methods that need not be allowed. */
const ALWAYS_ALLOWED = new Set(["get", "head", "post"]);

/** Whether the answer to a preflight lets the request pass that another one asks for. */
export function letsPass({ headers }: Response, { requestMethod, requestHeaders }: Wish): boolean {
	const [methods, names] = [listed(headers.raw("access-control-allow-methods")), listed(headers.raw("access-control-allow-headers"))];
	const method = requestMethod?.trim().toLowerCase() ?? "";
	const isMethodAllowed = ALWAYS_ALLOWED.has(method) || methods.has("*") || methods.has(method);
	return isMethodAllowed && (names.has("*") || [...listed(requestHeaders)].every((name) => names.has(name)));
}

function listed(field: ByteString | null): Set<string> {
	const items = (field ?? "").split(",").map((item) => item.trim().toLowerCase());
	return new Set(items.filter((item) => item !== ""));
}

/**
 * The fields of an answer that lets the request pass.
 * @param answered what the request itself was answered when it was recorded; null: nothing is known of that
 */
export function preflightFields({ headers }: Request, answered: Response | null): [name: string, value: string][] {
	const ask = (name: string) => headers.get(`access-control-request-${name}`);
	const said = (name: string) => answered?.headers.get(`access-control-allow-${name}`) ?? null;
	const fields: [string, string][] = [
		["access-control-allow-origin", said("origin") === "*" ? "*" : (headers.get("origin") ?? "*")],
		["access-control-allow-methods", ask("method") ?? ""],
	];
	const [names, credentials] = [ask("headers"), said("credentials")];
	if (names !== null) fields.push(["access-control-allow-headers", names]);
	if (credentials !== null) fields.push(["access-control-allow-credentials", credentials]);
	if (ask("private-network") === "true") fields.push(["access-control-allow-private-network", "true"]);
	fields.push(["vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]);
	return fields;
}
