// Request and response: head, body and trailers of an HTTP message, as received.
import { type Body, type BodySource, bodyBytes, bodySize, DECODED_LIMIT, decodeBody, encodeBody } from "./body.ts";
import { type ByteString, toByteString, toText } from "./bytes.ts";
import { decodeContent, encodeContent } from "./charset.ts";
import { Headers } from "./headers.ts";
import { formatAuthority, formatUrl, parseAuthority, parseUrl } from "./url.ts";

export interface MessageInit {
	/** `HTTP/1.1`, `HTTP/2.0`, … Default `HTTP/1.1`. */
	httpVersion?: ByteString;
	headers?: Headers;
	/** null: missing, that is, not recorded. Default: empty. */
	body?: Body;
	trailers?: Headers | null;
	timestampStart?: number;
	timestampEnd?: number | null;
	extra?: Record<string, unknown> | undefined;
}

export abstract class Message {
	httpVersion: ByteString;
	headers: Headers;
	trailers: Headers | null;
	/** First byte, in seconds since 1970. */
	timestampStart: number;
	/** Last byte. */
	timestampEnd: number | null;
	/**
	 * Body as sent, still content-encoded, without transfer coding. null: missing; an empty buffer: present and empty.
	 * A `BodySource` is read when someone asks.
	 */
	body: Body;
	/** What decodes to more bytes counts as not decodable. */
	decodedLimit = DECODED_LIMIT;
	/** Fields that a newer writer put there. */
	extra: Record<string, unknown> | undefined;

	constructor(init: MessageInit) {
		this.httpVersion = init.httpVersion ?? "HTTP/1.1";
		this.headers = init.headers ?? new Headers();
		this.body = init.body === undefined ? Buffer.alloc(0) : init.body;
		this.trailers = init.trailers ?? null;
		this.timestampStart = init.timestampStart ?? 0;
		this.timestampEnd = init.timestampEnd ?? null;
		this.extra = init.extra;
	}

	/** Bytes as sent, still content-encoded; null where the body is missing. Setting them changes no header. */
	get rawContent(): Buffer | null {
		return bodyBytes(this.body);
	}

	set rawContent(bytes: Uint8Array | null) {
		this.body = bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/** Bytes as sent, counted without reading them; null where the body is missing. */
	get bodySize(): number | null {
		return bodySize(this.body);
	}

	/**
	 * The body with its Content-Encoding undone; null where it is missing.
	 * @throws FlowtapeError FT_BAD_BODY when it cannot be decoded
	 */
	get content(): Buffer | null {
		const raw = this.rawContent;
		return raw === null ? null : decodeBody(raw, this.headers.get("content-encoding"), this.decodedLimit);
	}

	/** Encodes as Content-Encoding says (removed when unknown) and sets Content-Length unless there is a Transfer-Encoding. */
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

	/** As `content`, but the bytes as sent when they cannot be decoded. */
	get decodedOrRaw(): Buffer | null {
		try {
			return this.content;
		} catch {
			return this.rawContent;
		}
	}

	/** As `decodedOrRaw`, and not decoded where that gives more than `limit` bytes. */
	decodedWithin(limit: number): Buffer | null {
		const raw = this.rawContent;
		try {
			return raw === null ? null : decodeBody(raw, this.headers.get("content-encoding"), Math.min(limit, this.decodedLimit));
		} catch {
			return raw;
		}
	}

	/** `decodedOrRaw` as text, by the charset that Content-Type or the content itself tells. */
	get text(): string | null {
		const bytes = this.decodedOrRaw;
		return bytes === null ? null : decodeContent(bytes, this.headers.get("content-type"));
	}

	/** Sets the body; Content-Type gets `charset=utf-8` when the text does not fit the charset it names. */
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

export interface RequestInit extends MessageInit {
	method: ByteString;
	scheme: ByteString;
	host: string;
	port: number;
	/** With the query. Default `/`. */
	path?: ByteString;
	/** HTTP/2 `:authority`, or that of an absolute-form target; default: empty. */
	authority?: ByteString;
}

export class Request extends Message {
	method: ByteString;
	scheme: ByteString;
	/** Where the request goes; `Host` and `authority` may say otherwise. Text, IPv6 without brackets. */
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

	/** `authority` for HTTP/2 and later, else the Host header; the other where one is missing. */
	get hostHeader(): string | null {
		const host = this.headers.get("host");
		const isForeign = this.httpVersion.startsWith("HTTP/2") || this.httpVersion.startsWith("HTTP/3");
		return isForeign ? toText(this.authority) || host : host;
	}

	/** Host of the Host header (or authority) without port or brackets; `host` where there is none. */
	get prettyHost(): string {
		const header = this.hostHeader;
		return header === null || header === "" ? this.host : (parseAuthority(header)?.host ?? header);
	}

	/** Where the request goes, as a URL; `host:port` for CONNECT. */
	get url(): string {
		if (this.method.toUpperCase() === "CONNECT") return formatAuthority(this.host, this.port);
		return formatUrl(toText(this.scheme), this.host, this.port, this.path === "*" ? "" : toText(this.path));
	}

	/**
	 * Scheme, host, port and path from an absolute URL; Host header and authority follow where they are there.
	 * @throws FlowtapeError FT_BAD_OPTION when it is no absolute URL
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

	/** As `url`, with host and port of the Host header: the URL a person would name. */
	get prettyUrl(): string {
		if (this.method.toUpperCase() === "CONNECT") return toText(this.authority) || this.url;
		const header = this.hostHeader;
		if (!header) return this.url;
		const named = parseAuthority(header);
		const scheme = toText(this.scheme);
		return formatUrl(scheme, named?.host ?? header, named?.port ?? (scheme === "http" ? 80 : 443), this.path === "*" ? "" : toText(this.path));
	}

	copy(): Request {
		return new Request({ ...this, headers: this.headers.copy(), trailers: this.trailers?.copy() ?? null });
	}
}

export interface ResponseInit extends MessageInit {
	statusCode: number;
	/** Default: empty, as in HTTP/2. */
	reason?: ByteString;
}

export class Response extends Message {
	statusCode: number;
	reason: ByteString;

	constructor(init: ResponseInit) {
		super(init);
		this.statusCode = init.statusCode;
		this.reason = init.reason ?? "";
	}

	copy(): Response {
		return new Response({ ...this, headers: this.headers.copy(), trailers: this.trailers?.copy() ?? null });
	}
}

export type { Body, BodySource };
