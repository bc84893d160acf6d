// A cache of whole responses, keyed by the request's raw bytes. A hit needs no exchange.
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Request } from "../../flow/message.ts";
import type { CachedResponse } from "../../hooks/decision.ts";
import { type FramingRequest, outgoingResponse } from "../http1/outgoing.ts";
import { writeFields } from "../wire/head.ts";

/** Size limit of the cache, including bodies that are shared with others. Bytes. */
const LIMIT = 256 * 1024 * 1024;
/** The approximate memory of an entry besides the bytes of request and response. Bytes. */
const OVERHEAD = 1280;
const LINE_END = "\r\n";
/**
 * Request fields are not kept, to save memory: only the Connection field matters here, and the connection is known to
 * stay open.
 */
const NO_FIELDS = new Headers([]);

/** A response head with gaps for the values that change with time. */
interface HeadTemplate {
	/** The indexes of those values in the fields array, ascending. */
	readonly moving: readonly number[];
	/** The text before each gap, and after the last. */
	readonly parts: readonly ByteString[];
}

function templateOf(head: ByteString, fields: readonly ByteString[], moving: readonly number[]): HeadTemplate {
	const parts: ByteString[] = [];
	let from = 0;
	for (const index of moving) {
		const end = head.length - LINE_END.length - writeFields(fields.slice(index + 1)).length;
		parts.push(head.slice(from, end - (fields[index] as ByteString).length));
		from = end;
	}
	return { moving, parts: [...parts, head.slice(from)] };
}

function fillTemplate({ moving, parts }: HeadTemplate, fields: readonly ByteString[]): ByteString {
	let head = parts[0] as ByteString;
	for (let i = 0; i < moving.length; i++)
		head += (fields[moving[i] as number] as ByteString) + (parts[i + 1] as ByteString);
	return head;
}

/** A cached response as an HTTP/1.1 connection sends it. */
export class CachedMessage {
	readonly #request: FramingRequest;
	readonly #response: CachedResponse;
	#head: ByteString = "";
	#body: Buffer | null = null;
	#until = Number.NEGATIVE_INFINITY;
	readonly #onSent: (() => void) | null;
	/** The head without its changing values; null: the head is built anew each time. */
	#template: HeadTemplate | null = null;

	constructor(request: FramingRequest, response: CachedResponse, onSent: (() => void) | null) {
		this.#request = request;
		this.#response = response;
		this.#onSent = onSent;
	}

	/** Prepares the bytes to send at time `at`, in seconds since 1970. Returns false if the request needs an exchange. */
	prepare(at: number): boolean {
		if (!this.#response.isValid()) return false;
		if (at < this.#until) return true;
		if (this.#template !== null) {
			const { fields, until } = this.#response.currentFields();
			this.#head = fillTemplate(this.#template, fields);
			this.#until = until;
			return at < until;
		}
		const { response, until } = this.#response.current();
		const { body } = response;
		if (at >= until || !Buffer.isBuffer(body)) return false;
		const { head, fields, coding, close } = outgoingResponse(response, this.#request, { size: body.length }, true);
		if (coding === "chunked" || close) return false;
		const moving = fields === response.headers.fields ? this.#response.changingFields() : null;
		if (moving !== null) this.#template = templateOf(head, fields, moving);
		this.#head = head;
		this.#body = coding === "plain" ? body : null;
		this.#until = until;
		return true;
	}

	/** Writes the response that `prepare` has prepared. */
	writeTo(batch: { add(part: ByteString | Buffer): void }): void {
		batch.add(this.#head);
		if (this.#body !== null) batch.add(this.#body);
		this.#response.countServed();
		this.#onSent?.();
	}
}

/** A response that was sent from the cache, and its request. */
export interface CachedExchange {
	readonly method: ByteString;
	readonly url: string;
	readonly response: CachedResponse;
}

export class ResponseCache {
	#messages = new Map<ByteString, CachedMessage>();
	#size = 0;
	readonly #onSent: ((exchange: CachedExchange) => void) | null;

	/** @param onSent called for each response that is sent from the cache; null: nothing is called */
	constructor(onSent: ((exchange: CachedExchange) => void) | null = null) {
		this.#onSent = onSent;
	}

	/**
	 * The response to a request with these bytes at time `at`, in seconds since 1970; null: the request needs an
	 * exchange.
	 */
	get(requestBytes: Buffer, at: number): CachedMessage | null {
		const message = this.#messages.size === 0 ? undefined : this.#messages.get(requestBytes.latin1Slice());
		return message?.prepare(at) ? message : null;
	}

	/**
	 * Stores the response to a request that arrived as exactly these bytes and leaves the connection open.
	 * @param sent bytes of the response's head and body
	 */
	set(
		requestBytes: Buffer,
		request: Pick<Request, "method" | "httpVersion" | "prettyUrl">,
		response: CachedResponse,
		sent: number,
	): void {
		const size = OVERHEAD + requestBytes.length + sent;
		// The cache is emptied. Responses in use are soon cached again.
		if (this.#size + size > LIMIT) {
			this.#messages = new Map();
			this.#size = 0;
		}
		this.#size += size;
		const { method, httpVersion } = request;
		this.#messages.set(
			requestBytes.latin1Slice(),
			new CachedMessage({ method, httpVersion, headers: NO_FIELDS }, response, this.#reporter(request, response)),
		);
	}

	#reporter({ method, prettyUrl: url }: Pick<Request, "method" | "prettyUrl">, response: CachedResponse) {
		const onSent = this.#onSent;
		if (onSent === null) return null;
		const exchange = { method, url, response };
		return () => onSent(exchange);
	}
}
