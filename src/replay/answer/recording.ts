// A recorded response that can be sent any number of times. Values that are the same each time are computed once.
import { type ByteString, NO_BYTES } from "../../flow/bytes.ts";
import type { FlowEnd, HttpFlow } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import type { RecordedAnswer } from "../../flow/recorded.ts";
import { dropUnsendable, inOneLine, unsendable } from "../../flow/sendable.ts";
import { acceptsCoding } from "./accept.ts";
import { endOfAnswer } from "./fit.ts";
import { findDates, type HeaderDate, moveDates, type Refresh, refreshBody } from "./refresh.ts";

export class Recording {
	/** Id of the recorded flow. */
	readonly id: string;
	/** As recorded. */
	response: Response;
	/** Whether the recording answers all equal requests from now on. */
	isAlways = false;
	/** How the recorded response ended. */
	readonly end: FlowEnd;
	/** Reads the recorded flow; null: it was deleted. */
	readonly flow: () => HttpFlow | null;
	/** The time to which its dates refer, in seconds since 1970. */
	readonly #datedAt: number;
	#coded: boolean | null = null;
	#unsendable: readonly ByteString[] | null = null;
	#dates: readonly HeaderDate[] | null = null;

	/**
	 * @param answer by default, the response is complete and its dates are those of the recording
	 * @param read reads the recorded flow, null: it was deleted; called only if the response is not sufficient
	 */
	constructor(
		answer: Pick<RecordedAnswer, "id" | "response"> & Partial<RecordedAnswer>,
		read: () => HttpFlow | null = () => null,
	) {
		const { id, response, refreshed } = answer;
		this.id = id;
		this.end = endOfAnswer(answer);
		this.#datedAt = refreshed ?? response.timestampStart;
		this.response = response;
		this.flow = read;
	}

	/**
	 * The response to send: a copy, which hooks may change.
	 * @param now seconds since 1970
	 * @param refresh the dates to move with the time, the same in every call; null: none
	 * @param acceptEncoding the client's Accept-Encoding: a coding that it does not accept is decoded
	 */
	answer(now: number, refresh: Refresh | null, acceptEncoding: ByteString | null = null): Response {
		const { response } = this;
		// a response recorded in HTTP/2 or 3 has no reason phrase, so it gets the standard one
		const isOlder = response.httpVersion.startsWith("HTTP/1.");
		const answer = new Response({
			statusCode: response.statusCode,
			reason: isOlder ? inOneLine(response.reason) : standardReason(response.statusCode),
			httpVersion: isOlder ? response.httpVersion : "HTTP/1.1",
			headers: new Headers(this.fieldsAt(now, refresh)),
			body: response.body ?? NO_BYTES,
			trailers: response.trailers?.copy() ?? null,
			timestampStart: now,
			timestampEnd: now,
			extra: response.extra,
		});
		if (this.unsendable.length > 0) dropUnsendable(answer.headers);
		if (refresh !== null && refresh.json.length > 0) refreshBody(answer, refresh, now - this.#datedAt);
		if (
			acceptEncoding !== null &&
			this.#isCoded &&
			!acceptsCoding(acceptEncoding, answer.headers.get("content-encoding") ?? "")
		)
			undoCoding(answer);
		return answer;
	}

	/** Until when `answer` returns the same as at `now`, in seconds since 1970. */
	staysUntil(now: number, refresh: Refresh | null): number {
		if (refresh === null) return Number.POSITIVE_INFINITY;
		if (refresh.json.length > 0) return now;
		return this.#datesFor(refresh).length === 0
			? Number.POSITIVE_INFINITY
			: this.#datedAt + Math.floor(now - this.#datedAt) + 1;
	}

	/**
	 * Indexes of the header values of `answer` that change with time, in order; null: the headers of `answer` may differ
	 * from the recorded ones.
	 */
	moving(refresh: Refresh | null): readonly number[] | null {
		if (this.unsendable.length > 0 || this.#isCoded) return null;
		return refresh === null ? [] : [...new Set(this.#datesFor(refresh).map(({ at }) => at))];
	}

	/** A copy of the recorded headers with the dates moved. */
	fieldsAt(now: number, refresh: Refresh | null): ByteString[] {
		const { headers } = this.response;
		return refresh === null
			? headers.fields.slice()
			: moveDates(headers.fields, this.#datesFor(refresh), Math.floor(now - this.#datedAt));
	}

	/**
	 * A defect of the recorded response that is corrected when it is sent; null: none.
	 * @param method of the request: the response to HEAD has no body
	 */
	flaw(method: ByteString): string | null {
		const { statusCode, headers, body, bodySize } = this.response;
		if (method === "HEAD" || statusCode === 204 || statusCode === 304) return null;
		if (this.end !== "server") return null;
		const length = headers.get("content-length");
		if (body === null) return length === "0" ? null : "the body was not recorded";
		return length === null || Number(length) === bodySize
			? null
			: `content-length said ${length}, the body has ${bodySize} bytes`;
	}

	/** The names of the recorded headers that answers leave out, because they cannot be sent. */
	get unsendable(): readonly ByteString[] {
		this.#unsendable ??= unsendable(this.response.headers);
		return this.#unsendable;
	}

	get #isCoded(): boolean {
		this.#coded ??= this.response.headers.has("content-encoding");
		return this.#coded;
	}

	#datesFor(refresh: Refresh): readonly HeaderDate[] {
		this.#dates ??= findDates(this.response.headers.fields, refresh);
		return this.#dates;
	}
}

/** Removes the content coding. A body that cannot be decoded is sent as recorded. */
function undoCoding(response: Response): void {
	// a part cannot be decoded (RFC 9110 section 14.4)
	if (response.bodySize === 0 || response.statusCode === 206) return;
	let decoded: Buffer | null;
	try {
		decoded = response.content;
	} catch {
		return;
	}
	response.headers.delete("content-encoding");
	response.body = decoded;
	if (response.headers.has("content-length")) response.headers.set("content-length", String(response.bodySize));
}
