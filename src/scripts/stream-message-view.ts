// A message of a TCP or UDP flow as scripts see it, with mitmproxy's names.
import type { StreamMessage } from "../flow/flow.ts";
import { bufferOf } from "./check-value.ts";

export class StreamMessageView<M extends StreamMessage = StreamMessage> {
	/** The underlying message. */
	readonly message: M;

	constructor(message: M) {
		this.message = message;
	}

	get from_client(): boolean {
		return this.message.fromClient;
	}

	/** Seconds since 1970. */
	get timestamp(): number {
		return this.message.timestamp;
	}

	get content(): Buffer {
		return this.message.content;
	}

	set content(content: Uint8Array) {
		this.message.content = bufferOf(content);
	}
}
