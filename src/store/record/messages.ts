// Encodes the messages of WebSocket, TCP and UDP flows as rows and decodes them. Large messages are compressed.
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { FlowtapeError } from "../../errors.ts";
import { asBuffer } from "../../flow/bytes.ts";
import type { Flow, StreamMessage, WebSocketData, WebSocketMessage } from "../../flow/flow.ts";
import { type LazyMessage, readLazily } from "../../flow/lazy-messages.ts";
import { type MessageRow, type NumberedMessage, orZero } from "./flow-row.ts";
import type { PartReader } from "./parts.ts";
import { isWholeMessage } from "./row-sum.ts";

/** Flag of a message: its bytes are compressed (RFC 1951). */
const CODED = 4;
/** Messages larger than this are compressed if that makes them smaller. Bytes. */
const CODED_FROM = 64 * 1024;
/** Size of the sample that shows whether compression saves enough. Bytes. */
const SAMPLE_BYTES = 8 * 1024;
/** Limit for the inflated size of a message. Bytes. */
const INFLATED_LIMIT = 256 * 1024 * 1024;

/** Compresses the bytes of a large message; null: it is not large, or compression saves too little. */
function codeLarge(content: Buffer): Buffer | null {
	if (content.length <= CODED_FROM) return null;
	const sample = deflateRawSync(content.subarray(0, SAMPLE_BYTES), { level: 1 });
	if (sample.length > 0.75 * SAMPLE_BYTES) return null;
	const coded = deflateRawSync(content, { level: 1 });
	return coded.length < content.length ? coded : null;
}

/** @throws FlowtapeError FT_CORRUPT_FLOW */
function contentOf(bytes: Uint8Array, flags: number): Buffer {
	if ((flags & CODED) === 0) return asBuffer(bytes);
	try {
		return inflateRawSync(bytes, { maxOutputLength: INFLATED_LIMIT });
	} catch (cause) {
		throw new FlowtapeError("FT_CORRUPT_FLOW", "the bytes of a message cannot be inflated", { cause });
	}
}

/** The messages of a flow as rows. */
export function encodeMessages(flow: Flow): MessageRow[] {
	return messagesOf(flow).map(encodeMessage);
}

/** The messages of a flow; empty for a flow without any. */
export function messagesOf(flow: Flow): readonly (StreamMessage | WebSocketMessage)[] {
	if (flow.type === "dns") return [];
	return flow.type === "http" ? (flow.websocket?.messages ?? []) : flow.messages;
}

export function encodeMessage(message: StreamMessage | WebSocketMessage): MessageRow {
	const coded = codeLarge(message.content);
	const bytes = coded ?? message.content;
	const flags =
		("opcode" in message ? (message.dropped ? 1 : 0) | (message.injected ? 2 : 0) : 0) | (coded === null ? 0 : CODED);
	return {
		at: orZero(message.timestamp),
		from_client: message.fromClient ? 1 : 0,
		opcode: "opcode" in message ? message.opcode : null,
		flags,
		bytes,
	};
}

/**
 * Reads the messages of a TCP or UDP flow. Damaged and missing ones are reported and left out.
 * @param count number of messages that the flow's head states; null: it states none
 */
export function readStreamMessages(seq: number, count: number | null, reader: PartReader): StreamMessage[] {
	return readMessages(seq, count, reader, toStreamMessage);
}

function readMessages<T>(seq: number, count: number | null, reader: PartReader, convert: (row: MessageRow) => T): T[] {
	const rows = reader.readMessages(seq);
	reportMissing(seq, count, reader, rows);
	return rows.flatMap((row) => readMessage(seq, reader, row, convert) ?? []);
}

function reportMissing(seq: number, count: number | null, reader: PartReader, rows: readonly { n: number }[]): void {
	const isGap = rows.some(({ n }, index) => n !== index);
	if (!isGap && (count === null || count === rows.length)) return;
	const why = isGap ? "a message is missing" : `expected ${count} messages, found ${rows.length}`;
	reader.reportDamage(seq, "the list of its messages", new FlowtapeError("FT_CORRUPT_FLOW", why));
}

function readMessage<T>(
	seq: number,
	reader: PartReader,
	row: NumberedMessage | undefined,
	convert: (row: MessageRow) => T,
): T | null {
	try {
		if (row === undefined) throw new FlowtapeError("FT_CORRUPT_FLOW", "it is missing");
		if (!isWholeMessage(seq, row.n, row)) throw new FlowtapeError("FT_CORRUPT_FLOW", "its checksum does not match");
		return convert(row);
	} catch (error) {
		reader.reportDamage(seq, "a message", error);
		return null;
	}
}

/** Larger messages of a WebSocket can be read lazily. Bytes on the tape. */
const LAZY_FROM = 64 * 1024;

/** As `readMessages`, for a WebSocket; the content of a large message is read on each call. */
function readLazyMessages(seq: number, count: number | null, reader: PartReader): LazyMessage[] {
	const rows = reader.readSmallMessages(seq, LAZY_FROM);
	reportMissing(seq, count, reader, rows);
	return rows.flatMap(({ bytes, ...row }): LazyMessage | readonly LazyMessage[] => {
		if (bytes !== null) return readMessage(seq, reader, { ...row, bytes }, toWebSocketMessage) ?? [];
		const content = () =>
			readMessage(seq, reader, reader.readMessage(seq, row.n), (whole) => contentOf(whole.bytes, whole.flags));
		return { ...headOfMessage(row), content };
	});
}

function toStreamMessage({ from_client, bytes, at, flags }: MessageRow): StreamMessage {
	return { fromClient: from_client === 1, content: contentOf(bytes, flags), timestamp: at };
}

/** A WebSocket whose messages are read on access; other parameters as for `readStreamMessages`. */
export function lazyWebSocket(
	end: Omit<WebSocketData, "messages">,
	seq: number,
	count: number | null,
	reader: PartReader,
): WebSocketData {
	let messages: WebSocketMessage[] | undefined;
	const data: WebSocketData = {
		...end,
		get messages() {
			messages ??= readMessages(seq, count, reader, toWebSocketMessage);
			return messages;
		},
		set messages(replaced) {
			messages = replaced;
		},
	};
	return readLazily(data, () => messages ?? readLazyMessages(seq, count, reader));
}

function headOfMessage({
	opcode,
	from_client,
	at,
	flags,
}: Omit<MessageRow, "bytes">): Omit<WebSocketMessage, "content"> {
	return {
		opcode: opcode ?? 2,
		fromClient: from_client === 1,
		timestamp: at,
		dropped: (flags & 1) !== 0,
		injected: (flags & 2) !== 0,
	};
}

function toWebSocketMessage(row: MessageRow): WebSocketMessage {
	return { ...headOfMessage(row), content: contentOf(row.bytes, row.flags) };
}
