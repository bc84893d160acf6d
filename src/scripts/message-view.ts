// Messages as scripts see them, with mitmproxy's names. Writing to a view changes the message.
import { toByteString, toText } from "../flow/bytes.ts";
import { decodeContent } from "../flow/charset.ts";
import { cookiePairs } from "../flow/cookies.ts";
import { formFields, URL_ENCODED } from "../flow/form.ts";
import type { Headers } from "../flow/headers.ts";
import { type Message, type Request, Response } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";
import { formatAuthority, parseQuery, splitPath } from "../flow/url.ts";
import { checkBytes, checkField, checkInteger, checkText, valueError } from "./check-value.ts";
import { HeadersView } from "./headers-view.ts";

/** Transforms each chunk of a streamed body; an empty result sends nothing. Called with an empty chunk at the end. */
export type StreamFunction = (chunk: Buffer) => Uint8Array | Iterable<Uint8Array>;
export type Streaming = boolean | StreamFunction;

type HeaderList = Iterable<readonly [name: string, value: string]> | Readonly<Record<string, string>>;

abstract class MessageView<M extends Message> {
	/** The underlying message. */
	readonly message: M;
	#scriptStream: Streaming | null = null;
	#defaultStream: Streaming = false;
	#headers: HeadersView | undefined;

	constructor(message: M) {
		this.message = message;
	}

	/**
	 * Set it in `requestheaders` or `responseheaders`: true streams the body, a function streams and transforms it.
	 * Streamed bodies are recorded only with the option `store_streamed_bodies`.
	 */
	get stream(): Streaming {
		return this.#scriptStream ?? this.#defaultStream;
	}

	set stream(said: Streaming) {
		if (typeof said !== "boolean" && typeof said !== "function")
			throw valueError("stream", "true, false or a function", said);
		this.#scriptStream = said;
	}

	/** The value that a script has set; null: none. */
	get scriptStream(): Streaming | null {
		return this.#scriptStream;
	}

	/** Sets the value of `stream` if scripts set none. */
	setDefaultStream(stream: Streaming): void {
		this.#defaultStream = stream;
	}

	get headers(): HeadersView {
		if (this.#headers?.headers !== this.message.headers) this.#headers = new HeadersView(this.message.headers);
		return this.#headers as HeadersView;
	}

	set headers(list: HeadersView | HeaderList) {
		this.message.headers = headersOf(list);
	}

	get trailers(): HeadersView | null {
		return this.message.trailers === null ? null : new HeadersView(this.message.trailers);
	}

	set trailers(list: HeadersView | HeaderList | null) {
		this.message.trailers = list === null ? null : headersOf(list);
	}

	get http_version(): string {
		return toText(this.message.httpVersion);
	}

	set http_version(version: string) {
		this.message.httpVersion = toByteString(checkField("http_version", version));
	}

	/** The body as sent, still content-encoded; null if it is missing. Setting it changes no header. */
	get raw_content(): Buffer | null {
		return this.message.rawContent;
	}

	set raw_content(bytes: Uint8Array | null) {
		this.message.rawContent = checkBytes("raw_content", bytes);
	}

	/** The decoded body. @throws FlowtapeError FT_BAD_BODY if it cannot be decoded */
	get content(): Buffer | null {
		return this.message.content;
	}

	/** Encodes the bytes by Content-Encoding, and sets Content-Length. */
	set content(bytes: Uint8Array | null) {
		this.message.content = checkBytes("content", bytes);
	}

	/** The decoded body as text. @throws FlowtapeError FT_BAD_BODY if it cannot be decoded */
	get text(): string | null {
		const { content, headers } = this.message;
		return content === null ? null : decodeContent(content, headers.get("content-type"));
	}

	set text(text: string | null) {
		this.message.text = text === null ? null : checkText("text", text);
	}

	/** The body as JSON. @throws SyntaxError, FlowtapeError FT_BAD_BODY if it cannot be decoded */
	json(): unknown {
		return JSON.parse(this.text ?? "");
	}

	/** Removes the content coding. With `strict` false, a body that cannot be decoded is left unchanged. */
	decode(strict = true): void {
		const { message } = this;
		const content = strict ? message.content : message.decodedOrRaw;
		if (content === null || content.length === 0) return;
		message.headers.delete("content-encoding");
		message.content = content;
	}

	/** Applies a content coding to the raw body. */
	encode(coding: string): void {
		const raw = this.message.rawContent;
		this.message.headers.set("content-encoding", coding);
		this.message.content = raw;
	}

	get timestamp_start(): number {
		return this.message.timestampStart;
	}

	get timestamp_end(): number | null {
		return this.message.timestampEnd;
	}
}

/** A request, for scripts, with the names that mitmproxy has for its parts. */
export class RequestView extends MessageView<Request> {
	get method(): string {
		return toText(this.message.method).toUpperCase();
	}

	set method(method: string) {
		this.message.method = toByteString(checkField("method", method));
	}

	get scheme(): string {
		return toText(this.message.scheme);
	}

	set scheme(scheme: string) {
		this.message.scheme = toByteString(checkField("scheme", scheme));
	}

	get host(): string {
		return this.message.host;
	}

	/** Also changes the Host header and the authority, if present. */
	set host(host: string) {
		this.message.host = checkField("host", host);
		this.#follow();
	}

	get port(): number {
		return this.message.port;
	}

	set port(port: number) {
		this.message.port = checkInteger("port", port, 0, 65535);
		this.#follow();
	}

	get authority(): string {
		return toText(this.message.authority);
	}

	set authority(authority: string) {
		this.message.authority = toByteString(checkField("authority", authority));
	}

	/** Includes the query. */
	get path(): string {
		return toText(this.message.path);
	}

	set path(path: string) {
		this.message.path = toByteString(checkField("path", path));
	}

	get url(): string {
		return this.message.url;
	}

	set url(url: string) {
		this.message.url = checkField("url", url);
	}

	get pretty_url(): string {
		return this.message.prettyUrl;
	}

	get pretty_host(): string {
		return this.message.prettyHost;
	}

	/** The fields of the query. To change them, assign the changed object. */
	get query(): URLSearchParams {
		return new URLSearchParams(parseQuery(splitPath(this.path).query));
	}

	set query(fields: URLSearchParams | Readonly<Record<string, string>>) {
		const text = new URLSearchParams(fields as Record<string, string>).toString();
		const [path = ""] = this.path.split("?");
		this.path = text === "" ? path : `${path}?${text}`;
	}

	/** Cookies by name; the first of each name. */
	get cookies(): ReadonlyMap<string, string> {
		const cookies = new Map<string, string>();
		for (const [name, value] of this.message.headers.getAll("cookie").flatMap(cookiePairs)) {
			if (!cookies.has(name)) cookies.set(name, value);
		}
		return cookies;
	}

	set cookies(cookies: ReadonlyMap<string, string>) {
		this.message.headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
	}

	/** The fields of a URL-encoded or multipart form, in order; empty if there is none. */
	get form(): [name: string, value: string][] {
		return (formFields(this.message) ?? []).map(({ name, value }) => [name, toText(value)]);
	}

	set urlencoded_form(fields: URLSearchParams | Readonly<Record<string, string>>) {
		this.message.headers.set("content-type", URL_ENCODED);
		this.content = Buffer.from(new URLSearchParams(fields as Record<string, string>).toString());
	}

	/** Removes `If-Modified-Since` and `If-None-Match`, so that the server sends a full response. */
	anticache(): void {
		for (const name of ["if-modified-since", "if-none-match"]) this.message.headers.delete(name);
	}

	/** Sets `Accept-Encoding: identity`, so that the server sends an uncompressed response. */
	anticomp(): void {
		this.message.headers.set("accept-encoding", "identity");
	}

	#follow(): void {
		const authority = formatAuthority(this.host, this.port, this.scheme);
		if (this.message.headers.has("host")) this.message.headers.set("host", authority);
		if (this.message.authority !== "") this.authority = authority;
	}
}

/** A response, for scripts, with the names that mitmproxy has for its parts. */
export class ResponseView extends MessageView<Response> {
	/** Creates a response. Text is sent as UTF-8; Content-Length is set. */
	static make(status = 200, content: string | Uint8Array = "", headers: HeaderList = []): ResponseView {
		const now = Date.now() / 1000;
		const statusCode = checkStatus(status);
		const response = new Response({
			statusCode,
			reason: standardReason(statusCode),
			headers: headersOf(headers),
			timestampStart: now,
			timestampEnd: now,
		});
		response.content = typeof content === "string" ? Buffer.from(content) : checkBytes("content", content);
		return new ResponseView(response);
	}

	get status_code(): number {
		return this.message.statusCode;
	}

	set status_code(status: number) {
		this.message.statusCode = checkStatus(status);
	}

	get reason(): string {
		return toText(this.message.reason);
	}

	set reason(reason: string) {
		this.message.reason = toByteString(checkField("reason", reason));
	}
}

/** A response as a plain object. */
export interface ResponseParts {
	status_code: number;
	/** Default: the standard reason phrase. */
	reason?: string;
	headers?: HeadersView | HeaderList;
	/** Text is sent as UTF-8. */
	content?: string | Uint8Array;
	text?: string;
}

const RESPONSE_PARTS: readonly string[] = [
	"status_code",
	"reason",
	"headers",
	"content",
	"text",
] satisfies (keyof ResponseParts)[];

/** @throws TypeError */
export function responseOf(value: unknown): ResponseView {
	const parts = partsOf<ResponseParts>(
		"response",
		value,
		RESPONSE_PARTS,
		'ResponseView.make(…) or an object such as { status_code: 200, headers: {}, content: "" }',
	);
	if (parts.status_code === undefined) throw valueError("response", "an object with a status_code", value);
	const view = ResponseView.make(
		parts.status_code,
		parts.content ?? (parts.text === undefined ? "" : checkText("text", parts.text)),
		parts.headers ?? [],
	);
	if (parts.reason !== undefined) view.reason = parts.reason;
	return view;
}

/** The properties of a request that can be changed together. */
export interface RequestParts {
	method?: string;
	url?: string;
	headers?: HeadersView | HeaderList;
	content?: string | Uint8Array;
	text?: string;
}

const REQUEST_PARTS: readonly string[] = [
	"method",
	"url",
	"headers",
	"content",
	"text",
] satisfies (keyof RequestParts)[];

/** Changes the properties of a request that `value` has. @throws TypeError */
export function changeRequest(request: RequestView, value: unknown): void {
	const parts = partsOf<RequestParts>(
		"request",
		value,
		REQUEST_PARTS,
		'an object such as { method: "GET", url: "http://example.com/", headers: {}, content: "" }',
	);
	if (parts.method !== undefined) request.method = parts.method;
	if (parts.headers !== undefined) request.headers = parts.headers;
	if (parts.url !== undefined) request.url = parts.url;
	if (parts.text !== undefined) request.text = parts.text;
	if (parts.content !== undefined)
		request.content = typeof parts.content === "string" ? Buffer.from(parts.content) : parts.content;
}

/** @throws TypeError with the unknown property */
function partsOf<T>(name: string, value: unknown, known: readonly string[], expected: string): Partial<T> {
	if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array)
		throw valueError(name, expected, value);
	const odd = Object.keys(value).find((key) => !known.includes(key));
	if (odd !== undefined)
		throw new TypeError(
			`${name}: expected ${expected}; unknown property ${JSON.stringify(odd)}, known are ${known.join(", ")}`,
		);
	return value as Partial<T>;
}

/** RFC 9110 section 15: three digits. */
function checkStatus(status: unknown): number {
	return checkInteger("status_code", status, 100, 999);
}

function headersOf(list: HeadersView | HeaderList): Headers {
	if (list instanceof HeadersView) return list.headers;
	if (typeof list !== "object" || list === null)
		throw valueError("headers", "pairs of name and value, or an object of them", list);
	const view = new HeadersView();
	for (const [name, value] of Symbol.iterator in list
		? (list as Iterable<readonly [string, string]>)
		: Object.entries(list))
		view.add(name, value);
	return view.headers;
}
