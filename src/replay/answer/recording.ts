// A recorded response, made ready to be sent any number of times: what is the same each time is worked out once.
import type { ByteString } from "../../flow/bytes.ts";
import type { FlowEnd, HttpFlow } from "../../flow/flow.ts";
import { Headers } from "../../flow/headers.ts";
import { Response } from "../../flow/message.ts";
import { standardReason } from "../../flow/reason.ts";
import { areSendable, dropUnsendable, inOneLine } from "../../flow/sendable.ts";
import { acceptsCoding } from "./accept.ts";
import { findDates, type HeaderDate, moveDates, type Refresh, refreshBody } from "./refresh.ts";

const EMPTY: Buffer = Buffer.alloc(0);

/** What is known of a recorded response besides itself. */
export interface RecordingFacts {
	/** Of the recorded flow. */
	readonly id: string;
	/** How it ended; null or nothing: with its end. */
	readonly ended?: FlowEnd | null;
	/** The time to which its dates were moved already. */
	readonly refreshed?: number | null;
}

export class Recording {
	/** Of the recorded flow. */
	readonly id: string;
	/** As recorded. */
	response: Response;
	/** All equal requests get it from now on. */
	isAlways = false;
	/** How the recorded response ended. */
	readonly end: FlowEnd;
	/** The whole recorded flow; null when it is gone. */
	readonly flow: () => HttpFlow | null;
	/** The time that its dates belong to. */
	readonly #datedAt: number;
	#coded: boolean | null = null;
	#sendable: boolean | null = null;
	#dates: readonly HeaderDate[] | null = null;

	/** @param read the recorded flow as a whole, null when it is gone; only asked where the response does not do */
	constructor({ id, ended = null, refreshed = null }: RecordingFacts, response: Response, read: () => HttpFlow | null = () => null) {
		this.id = id;
		this.end = response.statusCode === 101 ? "server" : (ended ?? "server");
		this.#datedAt = refreshed ?? response.timestampStart;
		this.response = response;
		this.flow = read;
	}

	/**
	 * The response to send: a copy, which hooks may change.
	 * @param now seconds since 1970
	 * @param refresh the dates that keep their distance to the time of recording, the same ones each time; null: none
	 * @param acceptEncoding of the client: a content coding that it does not accept is undone
	 */
	answer(now: number, refresh: Refresh | null, acceptEncoding: ByteString | null = null): Response {
		const { response } = this;
		// what HTTP/1.1 says for a response recorded in another version, which has no reason phrase
		const isOlder = response.httpVersion.startsWith("HTTP/1.");
		const answer = new Response({
			statusCode: response.statusCode,
			reason: isOlder ? inOneLine(response.reason) : standardReason(response.statusCode),
			httpVersion: isOlder ? response.httpVersion : "HTTP/1.1",
			headers: new Headers(this.fieldsAt(now, refresh)),
			body: response.body ?? EMPTY,
			trailers: response.trailers?.copy() ?? null,
			timestampStart: now,
			timestampEnd: now,
			extra: response.extra,
		});
		if (!this.#isSendable) dropUnsendable(answer.headers);
		if (refresh !== null && refresh.json.length > 0) refreshBody(answer, refresh, now - this.#datedAt);
		if (acceptEncoding !== null && this.#isCoded && !acceptsCoding(acceptEncoding, answer.headers.get("content-encoding") ?? "")) undoCoding(answer);
		return answer;
	}

	/** Until when `answer` gives the same as at `now`, in seconds since 1970. */
	staysUntil(now: number, refresh: Refresh | null): number {
		if (refresh === null) return Number.POSITIVE_INFINITY;
		if (refresh.json.length > 0) return now;
		return this.#datesFor(refresh).length === 0 ? Number.POSITIVE_INFINITY : this.#datedAt + Math.floor(now - this.#datedAt) + 1;
	}

	/** Which values of the fields of `answer` move with time, by their index and in order; null where its fields are not one by one the recorded ones. */
	moving(refresh: Refresh | null): readonly number[] | null {
		if (!this.#isSendable || this.#isCoded) return null;
		return refresh === null ? [] : [...new Set(this.#datesFor(refresh).map(({ at }) => at))];
	}

	/** A copy of the recorded header fields, the dates moved. */
	fieldsAt(now: number, refresh: Refresh | null): ByteString[] {
		const { headers } = this.response;
		return refresh === null ? headers.fields.slice() : moveDates(headers.fields, this.#datesFor(refresh), Math.floor(now - this.#datedAt));
	}

	/**
	 * What is wrong with the response as recorded and will be made right when it is sent; null: nothing.
	 * @param method of the request, as HEAD is answered without a body
	 */
	flaw(method: ByteString): string | null {
		const { statusCode, headers, body, bodySize } = this.response;
		if (method === "HEAD" || statusCode === 204 || statusCode === 304) return null;
		if (this.end !== "server") return null;
		const length = headers.get("content-length");
		if (body === null) return length === "0" ? null : "the body was not recorded";
		return length === null || Number(length) === bodySize ? null : `content-length said ${length}, the body has ${bodySize} bytes`;
	}

	get #isCoded(): boolean {
		this.#coded ??= this.response.headers.has("content-encoding");
		return this.#coded;
	}

	get #isSendable(): boolean {
		this.#sendable ??= areSendable(this.response.headers);
		return this.#sendable;
	}

	#datesFor(refresh: Refresh): readonly HeaderDate[] {
		this.#dates ??= findDates(this.response.headers.fields, refresh);
		return this.#dates;
	}
}

/** What cannot be decoded is sent as it is: the client may make more of it. */
function undoCoding(response: Response): void {
	// of a part nothing can be made (RFC 9110 section 14.4)
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
