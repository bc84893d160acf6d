// Requests that programs describe without sending them.
import { FlowtapeError } from "../src/errors.ts";
import { toByteString } from "../src/flow/bytes.ts";
import { HttpFlow } from "../src/flow/flow.ts";
import { Headers } from "../src/flow/headers.ts";
import { Request } from "../src/flow/message.ts";
import { formatAuthority, splitUrl, withoutFragment } from "../src/flow/url.ts";
import { originalRequest } from "../src/replay/match/key.ts";

/** A request in parts. */
export interface RequestDescription {
	/** Default: `GET`. */
	readonly method?: string | undefined;
	/** An absolute URL, `http:` or `https:`. Its path and query are used as written; its fragment is ignored. */
	readonly url: string | URL;
	/** An object of names and values, or pairs. Default: `Host` of the URL, which is also added if it is missing. */
	readonly headers?: Readonly<Record<string, string>> | Iterable<readonly [name: string, value: string]> | undefined;
	/** The bytes as sent, that is with Content-Encoding applied; a string is encoded as UTF-8. Default: empty. */
	readonly body?: string | Uint8Array | undefined;
}

/**
 * A request: a URL (for GET), a description, a `Request` of flowtape, or a flow. A flow means the request that its
 * client sent.
 */
export type RequestLike = string | URL | RequestDescription | Request | HttpFlow;

/** @throws FlowtapeError FT_USAGE if the URL is not absolute */
export function requestOf(like: RequestLike): Request {
	if (like instanceof Request) return like;
	if (like instanceof HttpFlow) return originalRequest(like);
	return typeof like === "string" || like instanceof URL ? requestFrom({ url: like }) : requestFrom(like);
}

function requestFrom({ method = "GET", url, headers = [], body = "" }: RequestDescription): Request {
	const parts = splitUrl(withoutFragment(String(url)));
	if (parts === null || !/^https?$/.test(parts.scheme))
		throw new FlowtapeError("FT_USAGE", `expected an absolute URL such as https://example.com/path, found "${url}"`);
	const { scheme, host, port, path } = parts;
	const fields = Headers.of(...(Symbol.iterator in headers ? headers : Object.entries(headers)));
	if (!fields.has("host")) fields.insert(0, "Host", formatAuthority(host, port, scheme));
	const bytes =
		typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
	return new Request({
		method: toByteString(method),
		scheme,
		host,
		port,
		path: toByteString(path),
		headers: fields,
		body: bytes,
	});
}
