// Which bodies are held until they are whole, which pass as they come, which are kept for the tape, and which are too large.
import type { Headers } from "../../flow/headers.ts";
import type { OptionTable, OptionValues } from "../../options.ts";
import type { Framing } from "../wire/framing.ts";

export const options = {
	stream_large_bodies: {
		type: "size",
		default: null,
		metavar: "SIZE",
		help: "Pass bodies beyond this size on as they come, without holding or keeping them: 512k, 3m. Hooks do not see them.",
	},
	store_streamed_bodies: { type: "boolean", default: false, help: "Keep bodies on the tape that were passed on as they came." },
	body_size_limit: { type: "size", default: null, metavar: "SIZE", help: "Refuse messages with larger bodies." },
} as const satisfies OptionTable;

/** Without a cutoff, a body that no hook asks for is held up to this size, and passes on from there. Bytes. */
const HELD_BYTES = 16 * 1024 * 1024;
/** And one that comes from a server up to this size. */
const HELD_RESPONSE_BYTES = 1024 * 1024;
/**
 * What all exchanges together hold in memory of bodies that are not whole, or not taken, before further ones wait where the tape keeps them.
 * Bytes.
 */
const WAITING_BYTES = 24 * 1024 * 1024;
/** Those up to this size stay in memory all the same. */
const SMALL_BYTES = 64 * 1024;
/** A response that takes longer than this is passed on as far as it has come. Milliseconds. */
export const PATIENCE_MS = 3_000;

/** Media types of bodies that are read while they come; to hold one back would hold it for ever. */
const EVENT_STREAM =
	/^\s*(?:text\/event-stream|application\/(?:grpc[\w.+-]*|connect\+[\w.+-]*|x-ndjson|jsonl|json-seq|stream\+json)|multipart\/x-mixed-replace)\s*(?:;|$)/i;

export class BodyPolicy {
	readonly #cutoff: number | null;
	readonly #limit: number;
	/** Whether what has passed over the cutoff is kept for the tape. */
	readonly #stores: boolean;
	#waiting = 0;
	/** Large bodies that hooks made, and how many exchanges send each. */
	readonly #made = new Map<Buffer, number>();

	constructor(values: OptionValues<typeof options>) {
		this.#cutoff = values.stream_large_bodies;
		this.#limit = values.body_size_limit ?? Number.POSITIVE_INFINITY;
		this.#stores = values.store_streamed_bodies;
	}

	/** Whether an option treats bodies by their size. */
	get dependsOnSize(): boolean {
		return this.#cutoff !== null || this.#limit !== Number.POSITIVE_INFINITY;
	}

	/** Whether a body of so many bytes passes on as it comes. `needed`: a hook wants it whole. */
	streams(size: number, needed: boolean): boolean {
		return size > (this.#cutoff ?? (needed ? Number.POSITIVE_INFINITY : HELD_BYTES));
	}

	/** The same for one that a server sends: it need not be sent again, and its client may be slow. */
	streamsResponse(size: number, needed: boolean): boolean {
		return size > (this.#cutoff ?? (needed ? Number.POSITIVE_INFINITY : HELD_RESPONSE_BYTES));
	}

	/** Whether what passes on because of the cutoff, or because a script said so, is kept. Without a cutoff all is. */
	keeps(byScript: boolean): boolean {
		return this.#stores || (this.#cutoff === null && !byScript);
	}

	/** So many bytes more wait in memory; fewer where it is negative. */
	wait(bytes: number): void {
		this.#waiting += bytes;
	}

	/** Whether a body of so many bytes has to wait elsewhere than in memory. With a cutoff none becomes large. */
	lacksRoom(size: number): boolean {
		return this.#waiting > WAITING_BYTES && size > SMALL_BYTES && this.#cutoff === null;
	}

	/**
	 * A body that a hook made waits to be taken. False: it is too large to do so in memory.
	 * @param isOfOne nobody else will get the same one
	 */
	hold(body: Buffer, isOfOne: boolean): boolean {
		const users = this.#made.get(body) ?? 0;
		if (users === 0) {
			if (this.lacksRoom(body.length) || (isOfOne && body.length > WAITING_BYTES)) return false;
			this.wait(body.length);
		}
		this.#made.set(body, users + 1);
		return true;
	}

	/** It waits no more. */
	release(body: Buffer): void {
		const users = this.#made.get(body) ?? 0;
		if (users > 1) this.#made.set(body, users - 1);
		else if (this.#made.delete(body)) this.wait(-body.length);
	}

	refuses(size: number): boolean {
		return size > this.#limit;
	}
}

/** What the head says of a body's size in bytes; 0 where it does not tell. */
export function announcedSize(framing: Framing | null): number {
	return framing?.kind === "length" ? framing.length : 0;
}

export function isEventStream(headers: Headers): boolean {
	return EVENT_STREAM.test(headers.get("content-type") ?? "");
}
