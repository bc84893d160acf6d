// CORS preflights, answered from the recording of the request that they ask for (Fetch standard, section "CORS protocol").
import type { Request, Response } from "../flow/message.ts";

/** Whether a request asks whether another may be sent. */
export function isPreflight({ method, headers }: Request): boolean {
	return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
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
