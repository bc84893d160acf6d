// Requests that are answered the same way each time, known by the very bytes that clients send: they need no exchange.
import type { ByteString } from "../flow/bytes.ts";
import type { Request } from "../flow/message.ts";
import type { StandingAnswer } from "../hooks/hook.ts";
import { outgoingResponse } from "./framing-out.ts";

/** What all of it may take, in bytes, bodies that others keep too among them. */
const LIMIT = 256 * 1024 * 1024;
/** What an answer takes besides the bytes that are asked and sent, about. Bytes. */
const OVERHEAD = 1280;

/** An answer as an HTTP/1.1 connection sends it. */
export class StandingMessage {
	readonly #request: Request;
	readonly #answer: StandingAnswer;
	#head: ByteString = "";
	#body: Buffer | null = null;
	#until = Number.NEGATIVE_INFINITY;

	constructor(request: Request, answer: StandingAnswer) {
		this.#request = request;
		this.#answer = answer;
	}

	/** Makes it ready to be given at a time, in seconds. False: it cannot be sent without looking at it again. */
	prepare(at: number): boolean {
		if (at < this.#until) return true;
		const { response, until } = this.#answer.current();
		const { body } = response;
		if (at >= until || !Buffer.isBuffer(body)) return false;
		const { head, coding, close } = outgoingResponse(response, this.#request, { size: body.length }, true);
		if (coding === "chunked" || close) return false;
		this.#head = head;
		this.#body = coding === "plain" ? body : null;
		this.#until = until;
		return true;
	}

	/** What it takes in memory, about. */
	get size(): number {
		return OVERHEAD + this.#head.length + (this.#body?.length ?? 0);
	}

	/** Another request gets it, once it is ready. */
	give(to: { add(part: ByteString | Buffer): void }): void {
		to.add(this.#head);
		if (this.#body !== null) to.add(this.#body);
		this.#answer.given();
	}
}

export class StandingAnswers {
	#messages = new Map<ByteString, StandingMessage>();
	#size = 0;

	/** What a client gets that sends these bytes at a time, in seconds; null: that is still to be found out. */
	find(asked: Buffer, at: number): StandingMessage | null {
		const message = this.#messages.size === 0 ? undefined : this.#messages.get(asked.latin1Slice());
		return message?.prepare(at) ? message : null;
	}

	/** Keeps the answer to a request that came as these bytes and no others. */
	add(asked: Buffer, request: Request, answer: StandingAnswer, at: number): void {
		const message = new StandingMessage(request, answer);
		if (!message.prepare(at)) return;
		// the request has them too, as fields
		const size = 2 * asked.length + message.size;
		// forgotten as a whole: those that are asked for are soon there again
		if (this.#size + size > LIMIT) {
			this.#messages = new Map();
			this.#size = 0;
		}
		this.#size += size;
		this.#messages.set(asked.latin1Slice(), message);
	}
}
