// CORS preflights (Fetch standard, section "CORS protocol"): which recorded preflight can answer another, and the
// response headers if only the actual request was recorded.
import type { ByteString } from "../../flow/bytes.ts";
import type { Request, Response } from "../../flow/message.ts";
import type { RequestConditions } from "./conditions.ts";

/** Whether a request is a CORS preflight. */
export function isPreflight({ method, headers }: Request): boolean {
	return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** Whether two preflights have the same origin, method and headers. */
export function isSamePreflight(a: RequestConditions, b: RequestConditions): boolean {
	const names = ({ requestHeaders }: RequestConditions) => [...listed(requestHeaders)].sort().join();
	return a.requestMethod === b.requestMethod && a.origin === b.origin && names(a) === names(b);
}

/** CORS-safelisted methods. */
const ALWAYS_ALLOWED = new Set(["get", "head", "post"]);

/** Whether the response to one preflight allows the request of another. */
export function allowsRequest({ headers }: Response, { requestMethod, requestHeaders }: RequestConditions): boolean {
	const [methods, names] = [
		listed(headers.raw("access-control-allow-methods")),
		listed(headers.raw("access-control-allow-headers")),
	];
	const method = requestMethod?.trim().toLowerCase() ?? "";
	const isMethodAllowed = ALWAYS_ALLOWED.has(method) || methods.has("*") || methods.has(method);
	return isMethodAllowed && (names.has("*") || [...listed(requestHeaders)].every((name) => names.has(name)));
}

function listed(field: ByteString | null): Set<string> {
	const items = (field ?? "").split(",").map((item) => item.trim().toLowerCase());
	return new Set(items.filter((item) => item !== ""));
}

/**
 * The headers of a response that allows the request of a preflight.
 * @param answered the recorded response to the actual request; null: unknown
 */
export function preflightFields({ headers }: Request, answered: Response | null): [name: string, value: string][] {
	const requested = (name: string) => headers.get(`access-control-request-${name}`);
	const recorded = (name: string) => answered?.headers.get(`access-control-allow-${name}`) ?? null;
	const fields: [string, string][] = [
		["access-control-allow-origin", recorded("origin") === "*" ? "*" : (headers.get("origin") ?? "*")],
		["access-control-allow-methods", requested("method") ?? ""],
	];
	const [names, credentials] = [requested("headers"), recorded("credentials")];
	if (names !== null) fields.push(["access-control-allow-headers", names]);
	if (credentials !== null) fields.push(["access-control-allow-credentials", credentials]);
	if (requested("private-network") === "true") fields.push(["access-control-allow-private-network", "true"]);
	fields.push(["vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]);
	return fields;
}
