// Decides which bodies are held until they are complete, streamed, kept for the tape, or refused as too large.
import { parseMediaType } from "../../flow/content-type.ts";
import type { Headers } from "../../flow/headers.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Framing } from "../wire/framing.ts";

export const options = {
	stream_large_bodies: {
		type: "size",
		default: null,
		metavar: "SIZE",
		help: "Stream bodies larger than this size, such as 512k or 3m, without recording them. Rules and scripts do not see them.",
	},
	store_streamed_bodies: {
		type: "boolean",
		default: false,
		help: "Record streamed bodies too.",
	},
	body_size_limit: { type: "size", default: null, metavar: "SIZE", help: "Reject messages with larger bodies." },
} as const satisfies OptionTable;

/** Without stream_large_bodies, a request body that no hook needs is streamed from this size on. Bytes. */
const HELD_BYTES = 16 * 1024 * 1024;
/** The same for a response body. Bytes. */
const HELD_RESPONSE_BYTES = 1024 * 1024;
/**
 * When all exchanges together hold this much of incomplete or unsent bodies in memory, further bodies go to the spool.
 * Bytes.
 */
const WAITING_BYTES = 24 * 1024 * 1024;
/** Bodies up to this size stay in memory in any case. Bytes. */
const SMALL_BYTES = 64 * 1024;
/** A response body that takes longer than this is streamed. Milliseconds. */
export const BUFFERING_LIMIT_MS = 3_000;

/** Media types of bodies that clients read as they arrive. Such a body may never be complete, so it is not held. */
const EVENT_STREAM =
	/^(?:text\/event-stream|application\/(?:grpc[\w.+-]*|connect\+[\w.+-]*|x-ndjson|jsonl|json-seq|stream\+json)|multipart\/x-mixed-replace)$/;

export class BodyPolicy {
	readonly #cutoff: number | null;
	readonly #limit: number;
	/** Whether all streamed bodies are kept for the tape (store_streamed_bodies). */
	readonly #stores: boolean;
	#waiting = 0;
	/** For each body made by a hook: the number of exchanges that hold it. */
	readonly #hookBodies = new Map<Buffer, number>();

	constructor(values: OptionValues<typeof options>) {
		this.#cutoff = values.stream_large_bodies;
		this.#limit = values.body_size_limit ?? Number.POSITIVE_INFINITY;
		this.#stores = values.store_streamed_bodies;
	}

	/** Whether an option depends on the size of bodies. */
	get dependsOnSize(): boolean {
		return this.#cutoff !== null || this.#limit !== Number.POSITIVE_INFINITY;
	}

	/** Whether to stream a request body of this size in bytes. `needed`: a hook needs the complete body. */
	streams(size: number, needed: boolean): boolean {
		return size > (this.#cutoff ?? (needed ? Number.POSITIVE_INFINITY : HELD_BYTES));
	}

	/**
	 * The same for a response body. Its default limit is lower: it need not be sent again, and its client may be slow.
	 */
	streamsResponse(size: number, needed: boolean): boolean {
		return size > (this.#cutoff ?? (needed ? Number.POSITIVE_INFINITY : HELD_RESPONSE_BYTES));
	}

	/**
	 * Whether to keep a streamed body. `byScript`: a script asked for streaming. Without stream_large_bodies, all other
	 * bodies are kept.
	 */
	keeps(byScript: boolean): boolean {
		return this.#stores || (this.#cutoff === null && !byScript);
	}

	/** Adds to the number of bytes that wait in memory; negative: subtracts. */
	countWaiting(bytes: number): void {
		this.#waiting += bytes;
	}

	/** Whether so many bytes wait in memory that further bodies must wait in the spool. */
	get isFull(): boolean {
		return this.#waiting > WAITING_BYTES;
	}

	/**
	 * Whether a body of this size has to wait outside memory. Always false with stream_large_bodies, which keeps held
	 * bodies small.
	 */
	isMemoryShort(size: number): boolean {
		return this.isFull && size > SMALL_BYTES && this.#cutoff === null;
	}

	/**
	 * Counts a body made by a hook as waiting in memory. Returns false, and counts nothing, if memory does not suffice
	 * for it.
	 * @param isOfOne whether no other exchange can send the same body
	 */
	holdHookBody(body: Buffer, isOfOne: boolean): boolean {
		const users = this.#hookBodies.get(body) ?? 0;
		if (users === 0) {
			if (this.isMemoryShort(body.length) || (isOfOne && body.length > WAITING_BYTES)) return false;
			this.countWaiting(body.length);
		}
		this.#hookBodies.set(body, users + 1);
		return true;
	}

	/** Call for each successful `holdHookBody` when the exchange no longer holds the body. */
	releaseHookBody(body: Buffer): void {
		const users = this.#hookBodies.get(body) ?? 0;
		if (users > 1) this.#hookBodies.set(body, users - 1);
		else if (this.#hookBodies.delete(body)) this.countWaiting(-body.length);
	}

	exceedsLimit(size: number): boolean {
		return size > this.#limit;
	}
}

/** The size that the head announces, in bytes; 0 if it announces none. */
export function announcedSize(framing: Framing | null): number {
	return framing?.kind === "length" ? framing.length : 0;
}

export function isEventStream(headers: Headers): boolean {
	return EVENT_STREAM.test(parseMediaType(headers.get("content-type")).essence);
}
