// HTTP requests and responses: head, body and trailers, as received.
import { type Body, type BodySource, bodyBytes, bodySize, DECODED_LIMIT, decodeBody, encodeBody } from "./body.ts";
import { asBuffer, type ByteString, toByteString, toText } from "./bytes.ts";
import { decodeContent, encodeContent } from "./charset.ts";
import { Headers } from "./headers.ts";
import { formatAuthority, formatUrl, parseAuthority, parseUrl } from "./url.ts";

export interface MessageInit {
	/** `HTTP/1.1`, `HTTP/2.0`, … Default `HTTP/1.1`. */
	httpVersion?: ByteString;
	headers?: Headers;
	/** null: not recorded. Default: empty. */
	body?: Body;
	trailers?: Headers | null;
	timestampStart?: number;
	timestampEnd?: number | null;
	/** Maximum size of the decoded body in bytes; a larger one counts as not decodable. Default: 64 MiB. */
	decodedLimit?: number;
	extra?: Record<string, unknown> | undefined;
}

export abstract class Message {
	httpVersion: ByteString;
	headers: Headers;
	trailers: Headers | null;
	/** When the first byte arrived, in seconds since 1970. */
	timestampStart: number;
	/** When the last byte arrived, in seconds since 1970; null: it did not arrive, or is not known. */
	timestampEnd: number | null;
	/**
	 * The body as sent, still content-encoded, without transfer coding. null: not recorded; an empty buffer: present and
	 * empty. A `BodySource` is read on demand.
	 */
	body: Body;
	/** Maximum size of the decoded body in bytes; a larger one counts as not decodable. */
	decodedLimit: number;
	/** Unknown fields, written by a newer version. */
	extra: Record<string, unknown> | undefined;

	constructor(init: MessageInit) {
		this.httpVersion = init.httpVersion ?? "HTTP/1.1";
		this.headers = init.headers ?? new Headers();
		this.body = init.body === undefined ? Buffer.alloc(0) : init.body;
		this.trailers = init.trailers ?? null;
		this.timestampStart = init.timestampStart ?? 0;
		this.timestampEnd = init.timestampEnd ?? null;
		this.decodedLimit = init.decodedLimit ?? DECODED_LIMIT;
		this.extra = init.extra;
	}

	/** The properties of a copy. Every property is written out because object spread takes several times as long. */
	protected copiedInit(): MessageInit {
		return {
			httpVersion: this.httpVersion,
			headers: this.headers.copy(),
			body: this.body,
			trailers: this.trailers?.copy() ?? null,
			timestampStart: this.timestampStart,
			timestampEnd: this.timestampEnd,
			decodedLimit: this.decodedLimit,
			extra: this.extra,
		};
	}

	/** The body as sent, still content-encoded; null: missing. Setting it changes no header. */
	get rawContent(): Buffer | null {
		return bodyBytes(this.body);
	}

	set rawContent(bytes: Uint8Array | null) {
		this.body = bytes === null ? null : asBuffer(bytes);
	}

	/** Size of the body as sent, in bytes, without reading it; null: missing. */
	get bodySize(): number | null {
		return bodySize(this.body);
	}

	/**
	 * The decoded body; null: missing. Setting it encodes the bytes according to Content-Encoding (an unknown one is
	 * removed) and sets Content-Length unless there is a Transfer-Encoding.
	 * @throws FlowtapeError FT_BAD_BODY if the body cannot be decoded
	 */
	get content(): Buffer | null {
		const raw = this.rawContent;
		return raw === null ? null : decodeBody(raw, this.headers.get("content-encoding"), this.decodedLimit);
	}

	set content(bytes: Uint8Array | null) {
		if (bytes === null) {
			this.body = null;
			return;
		}
		const coded = encodeBody(bytes, this.headers.get("content-encoding"));
		if (coded === null) this.headers.delete("content-encoding");
		this.rawContent = coded ?? bytes;
		if (!this.headers.has("transfer-encoding")) this.headers.set("content-length", String(this.bodySize ?? 0));
	}

	/** As `content`, but the bytes as sent if they cannot be decoded. */
	get decodedOrRaw(): Buffer | null {
		return this.decodedWithin(this.decodedLimit);
	}

	/** As `decodedOrRaw`, but with an additional limit: the bytes as sent if they decode to more than `limit` bytes. */
	decodedWithin(limit: number): Buffer | null {
		const raw = this.rawContent;
		try {
			return raw === null
				? null
				: decodeBody(raw, this.headers.get("content-encoding"), Math.min(limit, this.decodedLimit));
		} catch {
			return raw;
		}
	}

	/**
	 * `decodedOrRaw` as text; the charset is detected from Content-Type and the content. Setting it adds `charset=utf-8`
	 * to Content-Type if needed.
	 */
	get text(): string | null {
		const bytes = this.decodedOrRaw;
		return bytes === null ? null : decodeContent(bytes, this.headers.get("content-type"));
	}

	set text(text: string | null) {
		if (text === null) {
			this.body = null;
			return;
		}
		const { bytes, contentType } = encodeContent(text, this.headers.get("content-type"));
		if (contentType !== null) this.headers.set("content-type", contentType);
		this.content = bytes;
	}
}

/** The properties of a new request. */
export interface RequestInit extends MessageInit {
	method: ByteString;
	scheme: ByteString;
	host: string;
	port: number;
	/** With the query. Default `/`. */
	path?: ByteString;
	/** HTTP/2 `:authority`, or the authority of an absolute-form target; default: empty. */
	authority?: ByteString;
}

/** An HTTP request. */
export class Request extends Message {
	method: ByteString;
	scheme: ByteString;
	/** Where the request is sent; `Host` and `authority` may differ. Text, IPv6 without brackets. */
	host: string;
	port: number;
	authority: ByteString;
	/** Path with query, as on the wire; `*` for OPTIONS. */
	path: ByteString;

	constructor(init: RequestInit) {
		super(init);
		this.method = init.method;
		this.scheme = init.scheme;
		this.host = init.host;
		this.port = init.port;
		this.authority = init.authority ?? "";
		this.path = init.path ?? "/";
	}

	/** The Host header; for HTTP/2 and HTTP/3 `authority`, or the Host header if that is empty. */
	get hostHeader(): string | null {
		const host = this.headers.get("host");
		const isForeign = this.httpVersion.startsWith("HTTP/2") || this.httpVersion.startsWith("HTTP/3");
		return isForeign ? toText(this.authority) || host : host;
	}

	/** The host in the Host header (or authority), without port and brackets; `host` if there is none. */
	get prettyHost(): string {
		const header = this.hostHeader;
		return header === null || header === "" ? this.host : (parseAuthority(header)?.host ?? header);
	}

	/** Where the request is sent, as a URL; `host:port` for CONNECT. */
	get url(): string {
		if (this.method.toUpperCase() === "CONNECT") return formatAuthority(this.host, this.port);
		return formatUrl(toText(this.scheme), this.host, this.port, this.path === "*" ? "" : toText(this.path));
	}

	/**
	 * Sets scheme, host, port and path from an absolute URL, and updates the Host header and authority if they are
	 * present.
	 * @throws FlowtapeError FT_BAD_OPTION if it is not an absolute URL
	 */
	set url(url: string) {
		const parts = parseUrl(url);
		this.scheme = toByteString(parts.scheme);
		this.host = parts.host;
		this.port = parts.port;
		this.path = toByteString(parts.path);
		const authority = formatAuthority(parts.host, parts.port, parts.scheme);
		if (this.headers.has("host")) this.headers.set("host", authority);
		if (this.authority !== "") this.authority = toByteString(authority);
	}

	/** As `url`, with host and port of the Host header: the URL that the client asked for. */
	get prettyUrl(): string {
		if (this.method.toUpperCase() === "CONNECT") return toText(this.authority) || this.url;
		const header = this.hostHeader;
		if (!header) return this.url;
		const named = parseAuthority(header);
		const scheme = toText(this.scheme);
		return formatUrl(
			scheme,
			named?.host ?? header,
			named?.port ?? (scheme === "http" ? 80 : 443),
			this.path === "*" ? "" : toText(this.path),
		);
	}

	/** A deep copy of the head; the body, which is never changed in place, is shared. */
	copy(): Request {
		const init = this.copiedInit() as RequestInit;
		init.method = this.method;
		init.scheme = this.scheme;
		init.host = this.host;
		init.port = this.port;
		init.path = this.path;
		init.authority = this.authority;
		return new Request(init);
	}
}

/** The properties of a new response. */
export interface ResponseInit extends MessageInit {
	statusCode: number;
	/** Default: empty, as in HTTP/2. */
	reason?: ByteString;
}

/** An HTTP response. */
export class Response extends Message {
	statusCode: number;
	reason: ByteString;

	constructor(init: ResponseInit) {
		super(init);
		this.statusCode = init.statusCode;
		this.reason = init.reason ?? "";
	}

	/** A deep copy of the head; the body, which is never changed in place, is shared. */
	copy(): Response {
		const init = this.copiedInit() as ResponseInit;
		init.statusCode = this.statusCode;
		init.reason = this.reason;
		return new Response(init);
	}
}

export type { Body, BodySource };
