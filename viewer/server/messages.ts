// The messages of a conversation, and the events of an event stream, in windows.
import { decodeText } from "../../src/flow/bytes.ts";
import { parseMediaType } from "../../src/flow/content-type.ts";
import type { Flow } from "../../src/flow/flow.ts";
import { hexDump, looksBinary } from "../../src/views/bytes.ts";
import type { FlowMessage, MessagesWindow } from "../page/protocol.ts";

/** Bytes of a message that are shown. */
const SHOWN_BYTES = 4096;

const OPCODES: Readonly<Record<number, string>> = { 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

/** A message whose text is not made yet. */
interface RawMessage {
	readonly at: number | null;
	readonly fromClient: boolean;
	readonly kind: string;
	readonly bytes: () => Buffer;
}

export function messageCount(flow: Flow): number {
	return messagesOf(flow).length;
}

/**
 * Messages in a window, as text.
 * @param find only messages that contain this text; empty: all
 */
export function messagesWindow(flow: Flow, from: number, count: number, find: string): MessagesWindow {
	const wanted = find.toLowerCase();
	const all = messagesOf(flow).map((message, n) => ({ ...message, n }));
	const found = find === "" ? all : all.filter(({ bytes }) => bytes().toString("utf8").toLowerCase().includes(wanted));
	return { from, total: found.length, messages: found.slice(from, from + count).map(shown) };
}

function shown({ n, at, fromClient, kind, bytes }: RawMessage & { n: number }): FlowMessage {
	const content = bytes();
	const part = content.subarray(0, SHOWN_BYTES);
	const text = kind !== "text" && looksBinary(part) ? hexDump(part) : part.toString("utf8");
	const rest = content.length - part.length;
	return { n, at, fromClient, kind, size: content.length, text: rest > 0 ? `${text}… ${rest} bytes more` : text };
}

function messagesOf(flow: Flow): RawMessage[] {
	switch (flow.type) {
		case "http":
			return flow.websocket === null
				? eventsOf(flow.response)
				: flow.websocket.messages.map((message) => ({
						at: message.timestamp,
						fromClient: message.fromClient,
						kind: OPCODES[message.opcode] ?? `opcode ${message.opcode}`,
						bytes: () => message.content,
					}));
		case "dns":
			return [];
		default:
			return flow.messages.map((message) => ({
				at: message.timestamp,
				fromClient: message.fromClient,
				kind: flow.type,
				bytes: () => message.content,
			}));
	}
}

/** Larger event streams are shown as a body only. Bytes. */
const MAX_STREAM = 16 * 1024 * 1024;

/** The events of a `text/event-stream` (HTML, section 9.2.6). */
function eventsOf(response: Extract<Flow, { type: "http" }>["response"]): RawMessage[] {
	if (response === null || parseMediaType(response.headers.get("content-type")).essence !== "text/event-stream")
		return [];
	if ((response.bodySize ?? 0) > MAX_STREAM) return [];
	const text = decodeText(response.decodedWithin(MAX_STREAM) ?? Buffer.alloc(0));
	return text
		.split(/\r\n\r\n|\n\n|\r\r/)
		.filter((event) => event.trim() !== "")
		.map((event) => ({
			at: null,
			fromClient: false,
			kind: /^event: ?(.*)$/m.exec(event)?.[1] ?? "message",
			bytes: () => Buffer.from(event),
		}));
}
