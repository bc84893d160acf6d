// Requests through the proxy of a session, for a page whose requests Playwright intercepts.
import { type IncomingMessage, type OutgoingHttpHeaders, request } from "node:http";

/** A request for an absolute URL. */
export interface ProxiedRequest {
	readonly url: string;
	readonly method: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer | null;
}

export interface ProxiedResponse {
	readonly status: number;
	/** Several values of a name are separated by line feeds, as Playwright expects. */
	readonly headers: Record<string, string>;
	readonly body: Buffer;
}

/** Sends a request through a proxy, and resolves to the whole response; its content is not encoded. */
export function sendThrough(proxy: URL, { url, method, headers, body }: ProxiedRequest): Promise<ProxiedResponse> {
	return new Promise((resolve, reject) => {
		const outgoing = request(targetOf(proxy, url, method, { ...headers, "accept-encoding": "identity" }));
		outgoing.on("error", reject);
		outgoing.on("response", async (response) => {
			try {
				resolve({
					status: response.statusCode ?? 502,
					headers: headersOf(response),
					body: Buffer.concat(await response.toArray()),
				});
			} catch (error) {
				reject(error as Error);
			}
		});
		outgoing.end(body ?? undefined);
	});
}

/** The options of a request for an absolute URL through a proxy. */
export function targetOf(proxy: URL, url: string, method: string, headers: Readonly<Record<string, string>>) {
	// pseudo-header fields of HTTP/2 begin with a colon
	const fields = Object.entries(headers).filter(([name]) => !name.startsWith(":"));
	const own: OutgoingHttpHeaders = Object.fromEntries(fields);
	return {
		host: proxy.hostname,
		port: proxy.port,
		method,
		path: url,
		headers: { ...own, host: new URL(url).host },
		agent: false as const,
	};
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string> {
	const headers: Record<string, string> = {};
	for (let i = 0; i < rawHeaders.length; i += 2) {
		const [name = "", value = ""] = [rawHeaders[i]?.toLowerCase(), rawHeaders[i + 1]];
		headers[name] = name in headers ? `${headers[name]}\n${value}` : value;
	}
	return headers;
}
