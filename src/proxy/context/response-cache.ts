// Requests that are answered the same way each time, known by the very bytes that clients send: they need no exchange.
import type { ByteString } from "../../flow/bytes.ts";
import { Headers } from "../../flow/headers.ts";
import type { Request } from "../../flow/message.ts";
import type { CachedResponse } from "../../hooks/decision.ts";
import { type Asked, outgoingResponse } from "../http1/outgoing.ts";
import { writeFields } from "../wire/head.ts";

/** What all of it may take, in bytes, bodies that others keep too among them. */
const LIMIT = 256 * 1024 * 1024;
/** What an answer takes besides the bytes that are asked and sent, about. Bytes. */
const OVERHEAD = 1280;
const LINE_END = "\r\n";
/** All of them would stay in memory, and they say of a connection only that it stays open. */
const NO_FIELDS = new Headers([]);

/** A head but for the values that move with time. */
interface HeadForm {
	/** Their indexes among the fields, in order. */
	readonly moving: readonly number[];
	/** What stands before each of them, and behind the last. */
	readonly parts: readonly ByteString[];
}

function formOf(head: ByteString, fields: readonly ByteString[], moving: readonly number[]): HeadForm {
	const parts: ByteString[] = [];
	let from = 0;
	for (const index of moving) {
		const end = head.length - LINE_END.length - writeFields(fields.slice(index + 1)).length;
		parts.push(head.slice(from, end - (fields[index] as ByteString).length));
		from = end;
	}
	return { moving, parts: [...parts, head.slice(from)] };
}

function headOf({ moving, parts }: HeadForm, fields: readonly ByteString[]): ByteString {
	let head = parts[0] as ByteString;
	for (let i = 0; i < moving.length; i++) head += (fields[moving[i] as number] as ByteString) + (parts[i + 1] as ByteString);
	return head;
}

/** An answer as an HTTP/1.1 connection sends it. */
export class CachedMessage {
	readonly #request: Asked;
	readonly #answer: CachedResponse;
	#head: ByteString = "";
	#body: Buffer | null = null;
	#until = Number.NEGATIVE_INFINITY;
	/** The head around the values that move with time; null: it is made anew each time. */
	#form: HeadForm | null = null;

	constructor(request: Asked, answer: CachedResponse) {
		this.#request = request;
		this.#answer = answer;
	}

	/** Makes it ready to be given at a time, in seconds. False: it cannot be sent without looking at it again. */
	prepare(at: number): boolean {
		if (at < this.#until) return true;
		if (this.#form !== null) {
			const { fields, until } = this.#answer.moved();
			this.#head = headOf(this.#form, fields);
			this.#until = until;
			return at < until;
		}
		const { response, until } = this.#answer.current();
		const { body } = response;
		if (at >= until || !Buffer.isBuffer(body)) return false;
		const { head, fields, coding, close } = outgoingResponse(response, this.#request, { size: body.length }, true);
		if (coding === "chunked" || close) return false;
		const moving = fields === response.headers.fields ? this.#answer.moving() : null;
		if (moving !== null) this.#form = formOf(head, fields, moving);
		this.#head = head;
		this.#body = coding === "plain" ? body : null;
		this.#until = until;
		return true;
	}

	/** Another request gets it, once it is ready. */
	give(to: { add(part: ByteString | Buffer): void }): void {
		to.add(this.#head);
		if (this.#body !== null) to.add(this.#body);
		this.#answer.given();
	}
}

export class ResponseCache {
	#messages = new Map<ByteString, CachedMessage>();
	#size = 0;

	/** What a client gets that sends these bytes at a time, in seconds; null: that is still to be found out. */
	find(asked: Buffer, at: number): CachedMessage | null {
		const message = this.#messages.size === 0 ? undefined : this.#messages.get(asked.latin1Slice());
		return message?.prepare(at) ? message : null;
	}

	/**
	 * Keeps the answer to a request that came as these bytes and no others, and leaves the connection open. It is made ready when they come again.
	 * @param sent bytes of the answer's head and body
	 */
	add(asked: Buffer, { method, httpVersion }: Pick<Request, "method" | "httpVersion">, answer: CachedResponse, sent: number): void {
		const size = OVERHEAD + asked.length + sent;
		// forgotten as a whole: those that are asked for are soon there again
		if (this.#size + size > LIMIT) {
			this.#messages = new Map();
			this.#size = 0;
		}
		this.#size += size;
		this.#messages.set(asked.latin1Slice(), new CachedMessage({ method, httpVersion, headers: NO_FIELDS }, answer));
	}
}
