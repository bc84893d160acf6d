// Calls the option `respond` with the request as a `Request` of the platform, and returns its response.
import type { RespondRequest, RespondResponse } from "./messages.ts";
import type { Responder } from "./options.ts";

/** Resolves to null if the function does not answer. */
export async function answerBy(
	respond: Responder,
	{ method, url, headers, body }: RespondRequest,
): Promise<RespondResponse | null> {
	const fields = new Headers();
	for (const [name, value] of headers) fields.append(name, value);
	const hasBody = body !== null && body.length > 0 && method !== "GET" && method !== "HEAD";
	const response = await respond(new Request(url, { method, headers: fields, ...(hasBody && { body }) }));
	if (response === undefined) return null;
	return {
		status: response.status,
		headers: [...response.headers],
		body: new Uint8Array(await response.arrayBuffer()),
	};
}
