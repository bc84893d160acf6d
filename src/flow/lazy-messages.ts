// The messages of a stored WebSocket without the content of large ones, which is read when it is needed.
import type { WebSocketData, WebSocketMessage } from "./flow.ts";

/** A message. The function reads the content of a large one; null: it is damaged. */
export interface LazyMessage extends Omit<WebSocketMessage, "content"> {
	readonly content: Buffer | (() => Buffer | null);
}

const readers = new WeakMap<WebSocketData, () => readonly LazyMessage[]>();

/** Sets how the messages of a stored WebSocket are read lazily. */
export function readLazily(data: WebSocketData, read: () => readonly LazyMessage[]): WebSocketData {
	readers.set(data, read);
	return data;
}

/** The messages of a WebSocket, in order. Those of one that is not stored are all in memory. */
export function lazyMessages(data: WebSocketData): readonly LazyMessage[] {
	return readers.get(data)?.() ?? data.messages;
}
