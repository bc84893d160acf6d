// Replays the server's side of a recorded WebSocket: its messages with their timing, and the handshake.
import { createHash } from "node:crypto";
import type { Body } from "../../flow/body.ts";
import { type FileBody, type FileSpool, openFileSpool } from "../../flow/file-spool.ts";
import type { WebSocketData } from "../../flow/flow.ts";
import type { Headers } from "../../flow/headers.ts";
import { lazyMessages } from "../../flow/lazy-messages.ts";
import type { Request } from "../../flow/message.ts";
import { collectTransientBuffers } from "../../flow/young-buffers.ts";

/** When a message is sent. */
interface CueTime {
	/** Number of client messages that must have arrived before. */
	readonly afterClient: number;
	/** Milliseconds to wait once these have arrived and the previous message has been sent. */
	readonly waitMs: number;
}

/** A message of the server. */
interface MessageCue extends CueTime {
	readonly opcode: number;
	/** The function reads the content of a large message for one client; null: it is damaged. */
	readonly content: Buffer | (() => Body);
}

export interface ServerPart {
	readonly cues: readonly MessageCue[];
	/** null: the server does not close. */
	readonly close: (CueTime & { readonly code: number | null; readonly reason: string }) | null;
}

/**
 * The server's messages. Each is sent after the client's messages that preceded it in the recording.
 * @param waitOf converts a recorded waiting time to the one to use, both in seconds
 */
export function serverPart(recorded: WebSocketData, waitOf: (seconds: number) => number): ServerPart {
	const { closedByClient, closeCode, closeReason, timestampEnd } = recorded;
	const messages = lazyMessages(recorded);
	const cues: MessageCue[] = [];
	let afterClient = 0;
	let before = messages[0]?.timestamp ?? 0;
	const waitUntil = (at: number) => {
		const seconds = Math.max(0, at - before);
		before = at;
		return waitOf(seconds) * 1000;
	};
	for (const { fromClient, dropped, opcode, content, timestamp } of messages) {
		if (fromClient) {
			afterClient++;
			before = timestamp;
		} else if (!dropped) {
			const waitMs = waitUntil(timestamp);
			cues.push({ afterClient, waitMs, opcode, content: Buffer.isBuffer(content) ? content : spooled(content) });
		}
	}
	if (closedByClient !== false) return { cues, close: null };
	return {
		cues,
		close: { afterClient, waitMs: waitUntil(timestampEnd ?? before), code: closeCode, reason: closeReason ?? "" },
	};
}

/** Larger messages wait for a slow client in a file. Bytes. */
const IN_MEMORY = 1024 * 1024;

/** Reads a message into a file, so that it is in memory only while it is read. */
function spooled(read: () => Buffer | null): () => Body {
	return () => {
		const content = read();
		if (content === null || content.length <= IN_MEMORY) return content;
		collectTransientBuffers(content.length);
		return inFile(content) ?? content;
	};
}

/** Writes bytes to a temporary file; null: there is no room on the disk. */
function inFile(bytes: Buffer): FileBody | null {
	let spool: FileSpool | undefined;
	try {
		spool = openFileSpool();
		spool.write(bytes);
		return spool.end();
	} catch {
		spool?.end().close();
		return null;
	}
}

/** RFC 6455 section 1.3 */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Adapts the recorded handshake response to this request. Messages are recorded and replayed without compression. */
export function answerHandshake(headers: Headers, request: Request): void {
	const key = request.headers.get("sec-websocket-key")?.trim() ?? "";
	headers.set(
		"Sec-WebSocket-Accept",
		createHash("sha1")
			.update(key + GUID)
			.digest("base64"),
	);
	headers.delete("Sec-WebSocket-Extensions");
}
