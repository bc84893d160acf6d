// The body of one message on its way through an exchange: held until it is whole, passed as it comes, or replaced by what hooks made of it.
import type { Message } from "../../flow/message.ts";
import type { BodyStreaming } from "../../hooks/decision.ts";
import type { Framing } from "../wire/framing.ts";
import { type BodyLength, BodyPipe, type Passing } from "./pipe.ts";
import { announcedSize } from "./policy.ts";

const EMPTY: Buffer = Buffer.alloc(0);
const EMPTY_FRAMING: Framing = { kind: "length", length: 0 };

export class MessageBody {
	/** As the sender sends it; null where a hook made the message, or gave it another body. */
	framing: Framing | null;
	readonly relay = new BodyPipe();
	/** The message is complete. */
	isEnded = false;
	/** Bytes of it that are counted as waiting in memory. */
	waiting = 0;
	/** What a hook made of it, while that waits in memory. */
	made: Buffer | null = null;
	/** It passes as it comes; its hooks look back at it. */
	isPassing = false;

	constructor(framing: Framing | null) {
		this.framing = framing;
	}

	/** Bytes that have come, or that are said to. */
	get expectedSize(): number {
		return Math.max(this.relay.size, announcedSize(this.framing));
	}

	/** Whether anything of it has come: bytes, or its end. */
	get hasCome(): boolean {
		return this.isEnded || this.relay.size > 0;
	}

	/** From here on it passes before it is whole. */
	pass(stream: BodyStreaming, passing: Pick<Passing, "keep" | "openSpool" | "isShort">): void {
		const transform = typeof stream === "function" ? stream : null;
		this.isPassing = true;
		this.relay.pass({ ...passing, transform });
		// what a script makes of a body has a length of its own
		if (transform !== null && this.framing?.kind === "length") this.framing = { kind: "chunked" };
	}

	/** What is to be sent as the body of the message, which hooks may have replaced where it `isTouched`. */
	settle(message: Message, isTouched: boolean): BodyLength {
		const isOther = isTouched && message.body !== null && !(this.isEnded && message.body === this.relay.body());
		if (this.framing !== null && !isOther) return { framing: this.#came(message) ? this.framing : EMPTY_FRAMING };
		this.framing = null;
		this.relay.replace(message.body ?? EMPTY, message.trailers?.fields ?? null);
		return { size: this.relay.size };
	}

	/** False for the body of an HTTP/2 message that said it would have none, and had no trailers either. */
	#came({ headers, trailers }: Message): boolean {
		if (this.framing?.kind !== "chunked" || !this.isEnded || this.relay.size > 0 || trailers !== null) return true;
		// one of HTTP/1.1 that says both has chunks
		return headers.raw("content-length") === null || headers.has("transfer-encoding");
	}
}
