// A recorded response, made ready to be sent any number of times: what is the same each time is worked out once.
import type { ByteString } from "../flow/bytes.ts";
import type { HttpFlow } from "../flow/flow.ts";
import { Headers } from "../flow/headers.ts";
import { Response } from "../flow/message.ts";
import { standardReason } from "../flow/reason.ts";
import { findDates, type HeaderDate, moveDates } from "./refresh.ts";

const EMPTY: Buffer = Buffer.alloc(0);

export class Recording {
	/** As recorded. */
	readonly flow: HttpFlow;
	readonly response: Response;
	#dates: readonly HeaderDate[] | null = null;
	/** The fields with their dates moved by this many seconds. */
	#movedBy = 0;
	#moved: readonly ByteString[];

	constructor(flow: HttpFlow, response: Response) {
		this.flow = flow;
		this.response = response;
		this.#moved = response.headers.fields;
	}

	/**
	 * The response to send: a copy, which hooks may change.
	 * @param now seconds since 1970
	 * @param refresh whether dates keep their distance to the time of recording; else they are as recorded
	 */
	answer(now: number, refresh: boolean): Response {
		const { response } = this;
		// what HTTP/1.1 says for a response recorded in another version, which has no reason phrase
		const isOlder = response.httpVersion.startsWith("HTTP/1.");
		return new Response({
			statusCode: response.statusCode,
			reason: isOlder ? response.reason : standardReason(response.statusCode),
			httpVersion: isOlder ? response.httpVersion : "HTTP/1.1",
			headers: new Headers(refresh ? this.#fieldsAt(now) : response.headers.fields.slice()),
			body: response.body ?? EMPTY,
			trailers: response.trailers?.copy() ?? null,
			timestampStart: now,
			timestampEnd: now,
			extra: response.extra,
		});
	}

	#fieldsAt(now: number): ByteString[] {
		this.#dates ??= findDates(this.response.headers.fields);
		if (this.#dates.length === 0) return this.response.headers.fields.slice();
		// dates are whole seconds, so that they change only when this does
		const delta = Math.floor(now - this.response.timestampStart);
		if (delta !== this.#movedBy) {
			this.#moved = moveDates(this.response.headers.fields, this.#dates, delta);
			this.#movedBy = delta;
		}
		return this.#moved.slice();
	}
}
