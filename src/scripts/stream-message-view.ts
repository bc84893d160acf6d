// Some bytes of a stream, in one direction, as scripts see them, by mitmproxy's names.
import type { StreamMessage } from "../flow/flow.ts";
import { bufferOf } from "./check-value.ts";

export class StreamMessageView<M extends StreamMessage = StreamMessage> {
	/** What is shown. */
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
