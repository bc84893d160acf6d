// What a recorded WebSocket makes its server say again, and the handshake that begins it.
import { createHash } from "node:crypto";
import type { WebSocketData } from "../../flow/flow.ts";
import type { Headers } from "../../flow/headers.ts";
import type { Request } from "../../flow/message.ts";

/** When something is said. */
interface CueTime {
	/** How many messages of the client must have come. */
	readonly afterClient: number;
	/** Milliseconds from then on, or from what was said before. */
	readonly waitMs: number;
}

export interface ServerPart {
	readonly cues: readonly (CueTime & { readonly opcode: number; readonly content: Buffer })[];
	/** null: the server does not close. */
	readonly close: (CueTime & { readonly code: number | null; readonly reason: string }) | null;
}

/**
 * The server's messages, each after the client's that preceded it.
 * @param waitOf how long to wait for a recorded time in seconds; in seconds
 */
export function serverPart({ messages, closedByClient, closeCode, closeReason, timestampEnd }: WebSocketData, waitOf: (seconds: number) => number): ServerPart {
	const cues: ServerPart["cues"][number][] = [];
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
		} else if (!dropped) cues.push({ afterClient, waitMs: waitUntil(timestamp), opcode, content });
	}
	if (closedByClient !== false) return { cues, close: null };
	return { cues, close: { afterClient, waitMs: waitUntil(timestampEnd ?? before), code: closeCode, reason: closeReason ?? "" } };
}

/** RFC 6455 section 1.3 */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Makes the recorded answer to a handshake one to this request. Messages were recorded without compression, and are sent so. */
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
