// The body of one message in an exchange: held until it is complete, streamed as it arrives, or replaced by a hook.
import { NO_BYTES } from "../../flow/bytes.ts";
import type { Message } from "../../flow/message.ts";
import type { BodyStreaming } from "../../hooks/decision.ts";
import type { Framing } from "../wire/framing.ts";
import { type BodyLength, BodyPipe, type StreamOptions } from "./pipe.ts";
import { announcedSize } from "./policy.ts";

const EMPTY_FRAMING: Framing = { kind: "length", length: 0 };

export class MessageBody {
	/** The sender's framing; null if a hook made the message, or replaced its body. */
	framing: Framing | null;
	readonly pipe = new BodyPipe();
	/** The message is complete. */
	isEnded = false;
	/** Bytes of the body that `BodyPolicy` counts as waiting in memory. */
	waitingBytes = 0;
	/** The body that a hook made, while it waits in memory. */
	hookBody: Buffer | null = null;
	/** The body is streamed: it is forwarded as it arrives, and the message's hooks run afterwards. */
	isStreamed = false;

	constructor(framing: Framing | null) {
		this.framing = framing;
	}

	/** The number of bytes that have arrived, or the announced length if that is larger. */
	get expectedSize(): number {
		return Math.max(this.pipe.size, announcedSize(this.framing));
	}

	/** Whether bytes of the body, or its end, have arrived. */
	get hasStarted(): boolean {
		return this.isEnded || this.pipe.size > 0;
	}

	/** From now on, forwards the body as it arrives. */
	startStreaming(stream: BodyStreaming, options: Pick<StreamOptions, "keep" | "openSpool" | "isShort">): void {
		const transform = typeof stream === "function" ? stream : null;
		this.isStreamed = true;
		this.pipe.startStreaming({ ...options, transform });
		// the length of the transformed body is not known yet
		if (transform !== null && this.framing?.kind === "length") this.framing = { kind: "chunked" };
	}

	/** The framing or size of the body to send. `isTouched`: hooks may have replaced `message.body`. */
	outgoingLength(message: Message, isTouched: boolean): BodyLength {
		const isOther = isTouched && message.body !== null && !(this.isEnded && message.body === this.pipe.body());
		if (this.framing !== null && !isOther)
			return { framing: this.#mayHaveBody(message) ? this.framing : EMPTY_FRAMING };
		this.framing = null;
		this.pipe.replace(message.body ?? NO_BYTES, message.trailers?.fields ?? null);
		return { size: this.pipe.size };
	}

	/**
	 * Whether the message may have a body. False for an HTTP/2 message that announced a length of 0, and has ended
	 * without body and trailers.
	 */
	#mayHaveBody({ headers, trailers }: Message): boolean {
		if (this.framing?.kind !== "chunked" || !this.isEnded || this.pipe.size > 0 || trailers !== null) return true;
		// An HTTP/1.1 message with both fields is chunked.
		return headers.raw("content-length") === null || headers.has("transfer-encoding");
	}
}
