// Holds the earlier messages of a conversation, in a file if they are large, for a sink that accepts only complete
// flows.
import type { Conversation, StreamMessage, WebSocketMessage } from "../../flow/flow.ts";
import { HeldBytes, type MemoryBudget } from "../body/held-bytes.ts";

/**
 * Always full, so that the messages of each conversation go to a file as soon as they exceed the minimum of
 * `HeldBytes`.
 */
const IN_FILE: MemoryBudget = { countWaiting() {}, isFull: true };

/** Stands for the opcode of a message that has none. */
const NO_OPCODE = 255;
const FROM_CLIENT = 1;
const DROPPED = 2;
const INJECTED = 4;

/** Size of the header before the content of a message: opcode, flags, length, timestamp. Bytes. */
const HEAD_BYTES = 14;

/** The messages of a conversation; a WebSocket has `flow.websocket`. */
export function messagesOf(flow: Conversation): (WebSocketMessage | StreamMessage)[] {
	return (flow.type === "tcp" ? flow.messages : flow.websocket?.messages) ?? [];
}

export class EarlierMessages {
	readonly #bytes = new HeldBytes(IN_FILE);

	/** The size of all messages with their headers. Bytes. */
	get size(): number {
		return this.#bytes.size;
	}

	/** @throws Error of the file system */
	add(message: WebSocketMessage | StreamMessage): void {
		const { fromClient, content, timestamp } = message;
		const head = Buffer.allocUnsafe(HEAD_BYTES);
		head[0] = "opcode" in message ? message.opcode : NO_OPCODE;
		head[1] = fromClient ? FROM_CLIENT : 0;
		if ("opcode" in message) head[1] |= (message.dropped ? DROPPED : 0) | (message.injected ? INJECTED : 0);
		head.writeUInt32LE(content.length, 2);
		head.writeDoubleLE(timestamp, 6);
		this.#bytes.add(head);
		this.#bytes.add(content);
	}

	/**
	 * Returns all messages in order, and releases them.
	 * @throws Error of the file system
	 */
	take(): (WebSocketMessage | StreamMessage)[] {
		const bytes = this.#bytes.take();
		const messages: (WebSocketMessage | StreamMessage)[] = [];
		for (let at = 0; at < bytes.length; ) {
			const [opcode, flags, end] = [bytes[at], bytes[at + 1] as number, at + HEAD_BYTES + bytes.readUInt32LE(at + 2)];
			const message = {
				fromClient: (flags & FROM_CLIENT) !== 0,
				content: bytes.subarray(at + HEAD_BYTES, end),
				timestamp: bytes.readDoubleLE(at + 6),
			};
			messages.push(
				opcode === NO_OPCODE
					? message
					: { opcode, ...message, dropped: (flags & DROPPED) !== 0, injected: (flags & INJECTED) !== 0 },
			);
			at = end;
		}
		return messages;
	}

	/** Releases all messages, and removes the file. */
	clear(): void {
		this.#bytes.clear();
	}
}
